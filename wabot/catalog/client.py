"""The client of the Sufrah external API v1: one instance for one merchant. What its answers say is `reading`'s and
`ordering`'s; what its failures mean is decided here.

Source: the collection that its partners publish (facts/catalog-api).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from wabot import errors, http
from wabot.catalog import failures, ordering, reading
from wabot.catalog.ordering import Placed, Told
from wabot.config import Settings
from wabot.words import Branch, Coverage, MenuCategory, MenuItem, Wish

T = TypeVar("T")

MOST_BYTES = 4 << 20
MOST_PRODUCT_BYTES = 24 << 20
"""Ten thousand products with their options; more is no menu."""
_ACCEPT = "application/json, text/plain"
_SCHEME = "ApiToken "


@dataclass(frozen=True, slots=True)
class Catalog:
    """The platform as one merchant sees it. Each call takes at most `seconds`; `digits` are those of the currency's
    minor unit.

    Every call raises SetupRefused (`not_configured`) without a key, CredentialsRefused, PermanentFailure (`no_merchant`
    where the platform does not know the merchant), Throttled, and TemporaryFailure; `submit` also UnknownOutcome, for
    all that went wrong after the request may have arrived.
    """

    settings: Settings
    merchant_id: str
    seconds: float
    digits: int = 2

    def categories(self) -> tuple[MenuCategory, ...]:
        """The merchant's categories in the order it shows them; their items are not known yet."""
        return self._read(f"/merchants/{self._merchant()}/categories", reading.categories, missing="no_merchant")

    def branches(self) -> tuple[Branch, ...]:
        """The merchant's branches."""
        return self._read(f"/merchants/{self._merchant()}/branches", reading.branches, missing="no_merchant")

    def items(self, category_id: str, branch_id: str = "") -> tuple[MenuItem, ...]:
        """The items of a category, as they are sold at that branch."""
        asked = f"?{urlencode({'branchId': branch_id})}" if branch_id else ""
        path = f"/categories/{_part(category_id, 'no_category')}/products{asked}"
        read: Callable[[Any], tuple[MenuItem, ...]] = lambda said: reading.items(said, self.digits)  # noqa: E731
        return self._read(path, read, missing="no_category", most=MOST_PRODUCT_BYTES)

    def coverage(self, latitude: float, longitude: float) -> Coverage:
        """Whether a place is delivered to, and from which branch."""
        asked = {"MerchantId": self.merchant_id, "Lat": f"{latitude:.5f}", "Lng": f"{longitude:.5f}"}
        self._merchant()
        return self._read(f"/addresses/check-availability?{urlencode(asked)}", reading.coverage, missing="no_merchant")

    def submit(self, wish: Wish, *, customer_name: str, customer_phone: str, reference: str) -> Placed:
        """Place an order. `reference` is ours; it travels as `Idempotency-Key`, which the platform may ignore: whoever
        got UnknownOutcome must not simply repeat."""
        self._merchant()
        body = ordering.body(wish, self.merchant_id, customer_name, customer_phone)
        answer = self._call("POST", "/orders/submit", json=body, headers={"Idempotency-Key": reference})
        if answer.status // 100 != 2:
            raise failures.of(answer, missing="no_merchant", may_have_acted=True)
        placed = ordering.placed(answer)
        if placed is None:
            raise errors.UnknownOutcome("unreadable_answer", "an answer without a number", answer.raw)
        return placed

    def status(self, order_number: str) -> Told:
        """What the platform says of an order by its number; nothing where it says a word that nobody knows. Raises
        PermanentFailure (`no_order`) where it knows no such order."""
        self._merchant()
        asked = {"MerchantId": self.merchant_id, "OrderNumber": order_number}
        return self._read(f"/orders/status?{urlencode(asked)}", ordering.told, missing="no_order")

    def _merchant(self) -> str:
        return _part(self.merchant_id, "no_merchant")

    def _read(self, path: str, understand: Callable[[Any], T], *, missing: str, most: int = MOST_BYTES) -> T:
        """Asking changes nothing, so whatever becomes of it can be asked again."""
        try:
            answer = self._call("GET", path, most=most)
        except errors.UnknownOutcome as lost:
            raise errors.TemporaryFailure(lost.code, lost.message, lost.raw) from lost
        if answer.status // 100 != 2:
            raise failures.of(answer, missing=missing)
        try:
            return understand(reading.document(answer))
        except errors.Unreadable as error:
            raise errors.TemporaryFailure("unreadable_answer", str(error), answer.raw) from error

    def _call(self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None,
              most: int = MOST_BYTES) -> http.Answer:  # fmt: skip
        key = self.settings.secret("sufrah_api_key").strip()
        if not key:
            raise errors.SetupRefused("not_configured", "SUFRAH_API_KEY is not set")
        token = key if key.startswith(_SCHEME) else _SCHEME + key
        return http.request(
            method,
            self.settings.sufrah_api_base + path,
            deadline_seconds=self.seconds,
            headers={"Authorization": token, "Accept": _ACCEPT, **(headers or {})},
            json=json,
            most_bytes=most,
        )


def _part(value: str, missing: str) -> str:
    """An id as a part of a path. One that would lead elsewhere names nothing."""
    if value.strip(".") == "":
        raise errors.PermanentFailure(missing, "no such id")
    return quote(value, safe="")
