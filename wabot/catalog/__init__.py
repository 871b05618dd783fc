"""Where menus come from: the client of the order platform's catalog, and the format of menu files."""

from wabot.catalog.client import Catalog
from wabot.catalog.ordering import Placed, Told
from wabot.catalog.spelling import order_status, payment_status

__all__ = ["Catalog", "Placed", "Told", "order_status", "payment_status"]
