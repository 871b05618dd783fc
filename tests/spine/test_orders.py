"""Whole orders over real HTTP between real processes: from hello to the rating, in Arabic at Twilio and in English at
Meta, with the order platform imitated beside them. What the customers heard is in `transcripts/`, to be read.

    RECORD_TRANSCRIPTS=1 pytest tests/spine/test_orders.py     writes it down anew: read it before it is committed
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fakes import sufrah
from tests.spine.diner import ACCESS_TOKEN, APP_SECRET, META_NUMBER, NUMBER_ID, AtMeta, AtSandbox, AtTwilio, Diner
from tests.spine.stack import Stack, running, wait_until

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

TRANSCRIPTS = Path(__file__).parent / "transcripts"
PAY_LINK = re.compile(r"(https://pay\.example/)\S+")
ADMIN = {"X-API-Key": "admin-key-of-the-test"}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path, SUFRAH_API_KEY=sufrah.KEY, META_APP_SECRET=APP_SECRET) as stack:
        url = stack.cli("tenant", "edit", "demo", "--catalog-merchant", sufrah.MERCHANT)["ordersUrl"]
        settings = ("app_link=https://app.example/bait", "support_contact=+966 50 000 0001")
        stack.cli("tenant", "edit", "demo", "--name", "بيت الشام", *(f"--set={each}" for each in settings))
        stack.env["SUFRAH_API_BASE"] = f"http://127.0.0.1:{stack.start_other('sufrah', '--webhook', url)}"
        port = stack.start_other("meta", f"--number={NUMBER_ID}={ACCESS_TOKEN}")
        stack.env["META_GRAPH_API"] = f"http://127.0.0.1:{port}"
        stack.cli(
            "channel", "add", "demo", "meta", META_NUMBER, "--out-per-minute", "100000",
            "--set", f"phone_number_id={NUMBER_ID}", "--set", f"access_token={ACCESS_TOKEN}",
        )  # fmt: skip
        for restart, process in ((stack.start_web, stack.web), (stack.start_consumer, stack.consumer)):
            stack.kill(process)
            restart()
        yield stack


def test_an_order_in_arabic_at_twilio_from_hello_to_five_stars(stack: Stack) -> None:
    sara = AtTwilio(stack, "966511111111", "سارة")
    sara.says("السلام عليكم")
    sara.taps("طلب جديد")
    sara.sends_place(24.7136, 46.6753, "البيت")
    sara.taps("مشويات")
    sara.taps("شاورما دجاج")
    sara.taps("كبير")
    sara.taps("ثومية")
    sara.taps("تم")
    sara.taps("إضافة 2")
    sara.taps("إتمام الطلب")
    sara.says("الدور الثالث، شقة ٧")
    sara.taps("دفع إلكتروني")
    [submitted] = calls(stack, "submit")
    assert submitted["order"]["paymentMethod"] == "Online"
    assert submitted["order"]["orderType"] == "Delivery"
    assert [(item["productId"], item["quantity"]) for item in submitted["order"]["items"]] == [(sufrah.SHAWARMA, 2)]
    moves(stack, submitted["number"], paymentStatus="Paid")
    sara.hears()
    moves(stack, submitted["number"], status="In Progress")
    sara.hears()
    moves(stack, submitted["number"], status="out for delivery")
    sara.hears()
    moves(stack, submitted["number"], status="Completed")
    sara.hears()
    sara.taps("قيّم الآن")
    sara.taps("⭐⭐⭐⭐⭐")
    [order] = stack.api("/restaurants/demo/orders")["data"]
    assert (order["status"], order["rating"], order["paymentStatus"]) == ("RATED", 5, "paid")
    assert (order["orderNumber"], order["currency"]) == (submitted["number"], "SAR")
    assert order["messages"]["count"] == len(sara.heard)
    is_as_written(sara, "twilio_ar_delivery")


def test_an_order_in_english_at_meta_from_hello_to_a_complaint(stack: Stack) -> None:
    sam = AtMeta(stack, "966522222222", "Sam")
    sam.says("hello")
    sam.taps("English")
    sam.taps("New order")
    sam.taps("Pickup")
    sam.taps("Olaya")
    sam.taps("Drinks")
    sam.taps("Laban")
    sam.taps("Add 1")
    sam.says("grills")
    sam.says("2")
    sam.says("3")
    sam.taps("Checkout")
    sam.taps("Pay cash")
    [submitted] = calls(stack, "submit")
    assert submitted["order"]["orderType"] == "Takeaway"
    assert submitted["order"]["branchId"] == sufrah.OLAYA
    sam.says("where is my order?")
    patch(stack, "PREPARING")
    sam.hears()
    patch(stack, "READY")
    sam.hears()
    patch(stack, "DELIVERED")
    sam.hears()
    sam.taps("Rate now")
    sam.taps("⭐⭐")
    sam.says("The laban was warm")
    [order] = stack.api("/restaurants/demo/orders")["data"]
    assert (order["status"], order["rating"], order["ratingComment"]) == ("RATED", 2, "The laban was warm")
    is_as_written(sam, "meta_en_pickup")


def test_an_order_survives_a_restart_of_everything_in_its_middle(stack: Stack) -> None:
    nora = AtTwilio(stack, "966533333333", "نورة")
    nora.says("طلب")
    nora.taps("استلام من الفرع")
    nora.taps("العليا")
    nora.taps("مشويات")
    nora.taps("كباب")
    for restart, process in ((stack.start_web, stack.web), (stack.start_consumer, stack.consumer)):
        stack.kill(process)
        restart()
    nora.taps("إضافة 1")
    nora.taps("إتمام الطلب")
    nora.taps("نقداً")
    assert len(calls(stack, "submit")) == 1
    assert stack.api("/restaurants/demo/orders")["data"][0]["status"] == "CONFIRMED"


MENU = """
types = ["delivery", "pickup"]
[[branches]]
id = "olaya"
name_ar = "فرع العليا"
name_en = "Olaya"
latitude = 24.69
longitude = 46.685
[[categories]]
name_ar = "مشويات"
name_en = "Grills"
[[categories.items]]
name_ar = "شاورما"
name_en = "Shawarma"
price = "18.50"
[[categories]]
name_ar = "مشروبات"
name_en = "Drinks"
[[categories.items]]
name_ar = "لبن"
name_en = "Laban"
price = 4
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Stack]:
    """A tenant with a menu of its own and a sandbox channel; no provider and no platform."""
    with running(tmp_path, WABOT_DEMO="1") as stack:
        (tmp_path / "menu.toml").write_text(MENU, encoding="utf-8")
        stack.cli("menu", "import", "demo", str(tmp_path / "menu.toml"))
        stack.cli("channel", "add", "demo", "sandbox", "+966500000001", "--out-per-minute", "1000")
        yield stack


def test_the_same_in_the_sandbox_in_arabic(sandbox: Stack) -> None:
    sara = AtSandbox(sandbox, "966511111111", "سارة", channel_id=2)
    sara.says("السلام عليكم")
    sara.taps("طلب جديد")
    sara.taps("توصيل")
    sara.sends_place(24.7136, 46.6753, "البيت")
    sara.says("مشويات")
    sara.says("١")
    sara.says("٢")
    sara.taps("إتمام الطلب")
    sara.taps("تأكيد الطلب")
    for status in ("PREPARING", "OUT_FOR_DELIVERY", "DELIVERED"):
        sandbox.cli("order", "status", "1", status)
        sara.hears()
    sara.taps("قيّم الآن")
    sara.says("٥")
    [order] = sandbox.cli("order", "list", "demo")["data"]
    assert (order["status"], order["rating"], order["total"], order["type"]) == ("RATED", 5, 37, "delivery")
    is_as_written(sara, "sandbox_ar_delivery")


def test_the_same_in_the_sandbox_in_english(sandbox: Stack) -> None:
    emma = AtSandbox(sandbox, "447700900103", "Emma", channel_id=2)
    emma.says("hi")
    emma.taps("English")
    emma.says("new order")
    emma.taps("Pickup")
    emma.says("2 laban")
    emma.taps("Checkout")
    emma.says("no ice")
    emma.taps("Confirm order")
    for status in ("PREPARING", "READY", "DELIVERED"):
        sandbox.cli("order", "status", "1", status)
        emma.hears()
    emma.taps("Help")
    [order] = sandbox.cli("order", "list", "demo")["data"]
    assert (order["status"], order["notes"], order["total"]) == ("DELIVERED", "no ice", 8)
    [conversation] = sandbox.api("/restaurants/demo/conversations")["data"]
    assert (conversation["state"], conversation["isBotActive"]) == ("needs_person", False)
    is_as_written(emma, "sandbox_en_pickup")


def calls(stack: Stack, kind: str) -> list[dict[str, object]]:
    return [line for line in stack.ledger_of("sufrah") if line["call"] == kind]


def moves(stack: Stack, number: object, **to: str) -> None:
    requests.post(f"{stack.env['SUFRAH_API_BASE']}/_control", json={"orderNumber": number, **to}, timeout=5)


def patch(stack: Stack, status: str) -> None:
    [order] = stack.api("/restaurants/demo/orders")["data"]
    url = f"{stack.url}/api/restaurants/demo/orders/{order['id']}/status"
    answer = requests.patch(url, json={"status": status}, headers=ADMIN, timeout=10)
    assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text


def is_as_written(diner: Diner, name: str) -> None:
    path = TRANSCRIPTS / f"{name}.txt"
    heard = PAY_LINK.sub(r"\1…", diner.transcript())
    if os.environ.get("RECORD_TRANSCRIPTS"):
        path.write_text(heard, encoding="utf-8")
    assert heard == path.read_text(encoding="utf-8")
    wait_until(lambda: not [row for row in diner.thread() if row["status"] == "queued"], seconds=10, what="all is sent")
