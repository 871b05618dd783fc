"""The JSON API of CONTRACT §5; shapes are made in `shapes`."""

from flask import Blueprint

from wabot.web import confirmation
from wabot.web.api import (
    conversations,
    cron,
    logs,
    media,
    messages,
    orders,
    retries,
    statistics,
    templates,
    usage,
    usage_jobs,
)

blueprint = Blueprint("api", __name__, url_prefix="/api")
_PARTS = (conversations, media, messages, orders, templates, logs, retries, cron, usage, usage_jobs, statistics)
for part in (*(module.blueprint for module in _PARTS), confirmation.api):
    blueprint.register_blueprint(part)
files = media.public
