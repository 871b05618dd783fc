"""What a customer may see of a message: whether it was sent, and nothing more."""

import re
from typing import Any

import pytest

from tests.core.conftest import PHONE
from tests.web.conftest import Cast
from tests.web.ledger import DEAD, add, find
from wabot.core import tenancy
from wabot.store import db, messages
from wabot.words import Status

YES = {"sent": True, "text": "WhatsApp confirmation sent ✓"}
NO = {"sent": False, "text": "WhatsApp confirmation not sent"}
THROUGH = {Status.SENT, Status.DELIVERED, Status.READ}
OUTGOING = [status for status in Status if status is not Status.RECEIVED]


@pytest.fixture
def booked(cast: Cast) -> dict[str, Any]:
    """A message to Sara that waits to be sent."""
    cast.stage.deliver()
    made = cast.post("/api/restaurants/bait/messages", {"to": PHONE, "message": "Table 7 at nine"}).json
    return {"id": made["message"]["id"], "token": made["confirmationUrl"].rpartition("/")[2]}


def api(cast: Cast, token: str) -> Any:
    return cast.client.get(f"/api/whatsapp/confirmation/{token}")


def page(cast: Cast, token: str, query: str = "", **headers: str) -> Any:
    return cast.client.get(f"/c/{token}{query}", headers=headers)


def heading(html: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html)
    assert found is not None
    return found[1]


def test_it_tells_whether_the_message_was_sent_and_nothing_more(cast: Cast, booked: dict[str, Any]) -> None:
    assert api(cast, booked["token"]).json == NO
    cast.stage.deliver()
    assert api(cast, booked["token"]).json == YES


@pytest.mark.parametrize("status", OUTGOING)
def test_sent_delivered_and_read_are_sent(cast: Cast, booked: dict[str, Any], status: Status) -> None:
    db.write(lambda: messages.change(booked["id"], status=status))
    assert api(cast, booked["token"]).json == (YES if status in THROUGH else NO)
    assert heading(page(cast, booked["token"]).text) == (YES if status in THROUGH else NO)["text"]


def test_a_retry_by_hand_is_seen_under_the_same_address(cast: Cast, booked: dict[str, Any]) -> None:
    db.write(lambda: messages.change(booked["id"], **DEAD))
    assert api(cast, booked["token"]).json == NO
    cast.post("/api/whatsapp/retry", {"logId": booked["id"]})
    cast.stage.deliver()
    assert api(cast, booked["token"]).json == YES


@pytest.mark.parametrize("token", ["x", "0" * 32, "None", "null", "%00", "1"])
def test_an_unknown_token_is_404(cast: Cast, booked: dict[str, Any], token: str) -> None:
    [without] = add(cast)
    assert find(without).token is None
    assert (api(cast, token).status_code, api(cast, token).json["code"]) == (404, "not_found")
    shown = page(cast, token)
    assert shown.status_code == 404
    assert heading(shown.text) in ("This link is not valid", "هذا الرابط غير صالح")
    assert "<script" not in shown.text


def test_the_page_is_in_the_tenant_s_language_or_the_one_asked_for(cast: Cast, booked: dict[str, Any]) -> None:
    arabic = "لم يتم إرسال التأكيد عبر واتساب"
    shown = page(cast, booked["token"], "?lang=ar")
    assert heading(shown.text) == arabic
    assert '<html lang="ar" dir="rtl">' in shown.text
    assert heading(page(cast, booked["token"]).text) == NO["text"]
    assert '<html lang="en" dir="ltr">' in page(cast, booked["token"], "?lang=fr").text
    tenancy.edit_tenant("bait", {"locale": "ar"}, {})
    assert heading(page(cast, booked["token"]).text) == arabic
    cast.stage.deliver()
    assert heading(page(cast, booked["token"]).text) == "تم إرسال التأكيد عبر واتساب ✓"


def test_the_page_of_an_unknown_token_is_in_the_browser_s_language(cast: Cast) -> None:
    assert 'lang="en"' in page(cast, "x", **{"Accept-Language": "en-GB,en;q=0.9,ar;q=0.5"}).text
    assert 'lang="ar"' in page(cast, "x", **{"Accept-Language": "ar-SA"}).text
    assert 'lang="ar"' in page(cast, "x", **{"Accept-Language": "fr"}).text


def test_the_page_shows_nothing_of_the_message_its_customer_or_its_tenant(cast: Cast, booked: dict[str, Any]) -> None:
    message = find(booked["id"])
    shown = page(cast, booked["token"]).text
    for secret in ("Table 7", "Sara", PHONE[1:], "bait", "Bait", message.uid, "queued", "sandbox"):
        assert secret not in shown, secret
        assert secret not in api(cast, booked["token"]).text, secret


def test_no_cache_and_no_search_engine_keeps_it(cast: Cast, booked: dict[str, Any]) -> None:
    for token in (booked["token"], "x"):
        shown = page(cast, token)
        assert shown.headers["Cache-Control"] == "no-store"
        assert "noindex" in shown.headers["X-Robots-Tag"]
        assert '<meta name="robots" content="noindex, nofollow">' in shown.text
    assert api(cast, booked["token"]).headers["Cache-Control"] == "no-store"


def test_the_page_asks_again_with_a_script_of_ours_and_none_within(cast: Cast, booked: dict[str, Any]) -> None:
    shown = page(cast, booked["token"]).text
    assert re.findall(r"<script[^>]*src=\"([^\"]*)\"[^>]*></script>", shown) == ["/static/confirmation.js"]
    assert shown.count("<script") == 1
    assert not re.search(r"\son\w+=|style=|<style", shown)
    assert f'data-ask="/api/whatsapp/confirmation/{booked["token"]}"' in shown
    with cast.client.get("/static/confirmation.js") as script:
        assert script.status_code == 200
