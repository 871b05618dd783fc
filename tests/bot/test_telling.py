"""What a customer is told of an order without having asked."""

import itertools

import pytest

from tests.bot.cast import RESTAURANT, SALON, assert_whatsapp_accepts, options
from wabot.bot import telling
from wabot.bot.conversation import Profile
from wabot.words import Kind, OrderSeen, OrderStatus, OrderType, PaymentMethod, PaymentStatus, Purpose

UID = "019a0000-0000-7000-8000-000000000001"
BRANCH = {"ar": "فرع العليا", "en": "Olaya"}


def order(
    status: OrderStatus = OrderStatus.CONFIRMED,
    type_: OrderType = OrderType.DELIVERY,
    payment: PaymentMethod = PaymentMethod.CASH,
    *,
    number: str = "1042",
    **more: object,
) -> OrderSeen:
    return OrderSeen(UID, number, status, type_, 5800, "SAR", 2, payment, branch=BRANCH, **more)


def test_an_accepted_order_is_told_with_number_place_total_and_payment():
    draft = telling.accepted(order(), RESTAURANT, "")
    assert draft.text == (
        "استلمنا طلبكم رقم 1042 ✅ شكراً لكم\nنوع الطلب: توصيل، فرع العليا\nالإجمالي: 58 ر.س\nالدفع نقداً عند التوصيل"
    )
    assert options(draft) == {f"track:{UID}": "تتبع الطلب", "order": "طلب جديد", "person": "التحدث مع موظف"}


def test_an_order_paid_online_is_told_with_its_link():
    seen = order(type_=OrderType.PICKUP, payment=PaymentMethod.ONLINE, payment_link="https://pay.example/x")
    draft = telling.accepted(seen, RESTAURANT, "en")
    assert (
        draft.text
        == "We've received your order 1042 ✅ Thank you!\nPickup, Olaya\nTotal: 58 SAR\nTo pay: https://pay.example/x"
    )


@pytest.mark.parametrize("link", ["", " ", "https://pay.example/\nx", "https://pay.example/" + "x" * 600])
def test_instead_of_a_link_that_cannot_be_shown_whole_the_customer_is_told_how_to_go_on(link):
    draft = telling.accepted(order(payment=PaymentMethod.ONLINE, payment_link=link), SALON, "")
    assert draft.text.endswith("The payment link isn't available right now. To arrange your payment, type: agent")


def test_a_cancelled_order_whose_money_went_back_is_told_so():
    draft = telling.step(order(OrderStatus.CANCELLED, payment_status=PaymentStatus.REFUNDED), SALON, "")
    assert draft.text.endswith("we're here.\nRefunded")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (OrderStatus.PREPARING, "بدأنا تحضير طلبكم رقم 1042 👨‍🍳"),
        (OrderStatus.OUT_FOR_DELIVERY, "طلبكم رقم 1042 في الطريق إليكم 🛵"),
        (OrderStatus.CANCELLED, "نأسف، تم إلغاء طلبكم رقم 1042. لأي استفسار نحن في خدمتكم."),
    ],
)
def test_each_step_is_told_in_a_sentence(status, told):
    assert telling.step(order(status), RESTAURANT, "ar").text == told


def test_a_delivered_order_is_told_with_the_three_buttons_of_the_rating():
    draft = telling.step(order(OrderStatus.DELIVERED), RESTAURANT, "ar")
    assert options(draft) == {
        f"rate:now:{UID}": "قيّم الآن",
        f"rate:later:{UID}": "لاحقاً",
        f"rate:help:{UID}": "مساعدة",
    }
    assert draft.purpose == Purpose.RATING


@pytest.mark.parametrize("status", [OrderStatus.DRAFT, OrderStatus.CONFIRMED, OrderStatus.RATED])
def test_a_state_that_is_told_otherwise_is_no_step(status):
    assert telling.step(order(status), RESTAURANT, "ar") is None


def test_the_reminder_offers_no_later():
    assert list(options(telling.rating_reminder(order(), SALON, ""))) == [f"rate:now:{UID}", f"rate:help:{UID}"]


def test_an_order_without_a_number_is_told_without_one():
    assert telling.paid(order(number=""), SALON, "").text == "Your order is paid ✅ Thank you!"


def test_a_failed_payment_is_told_with_the_way_to_try_again():
    seen = order(payment=PaymentMethod.ONLINE, payment_link="https://pay.example/x")
    draft = telling.payment_failed(seen, SALON, "")
    assert draft.text == "The payment for your order 1042 didn't go through.\nTo try again: https://pay.example/x"
    assert "person" in options(draft)


@pytest.mark.parametrize("locale", ["ar", "en", "", "fr"])
def test_what_is_told_fits_and_names_its_purpose_in_every_state(locale):
    profile = Profile("x", "ar", "SAR")
    for status, type_, method, paid in itertools.product(OrderStatus, OrderType, PaymentMethod, PaymentStatus):
        seen = order(status, type_, method, number="9" * 500, payment_status=paid, payment_link="https://x.example/")
        drafts = [
            telling.accepted(seen, profile, locale),
            telling.step(seen, profile, locale),
            telling.paid(seen, profile, locale),
            telling.payment_failed(seen, profile, locale),
            telling.rating_reminder(seen, profile, locale),
        ]
        for draft in filter(None, drafts):
            assert_whatsapp_accepts(draft)
            assert draft.purpose == (Purpose.RATING if "rate:" in "".join(options(draft)) else Purpose.ORDER)


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_what_is_told_while_an_order_has_no_answer_fits(locale):
    assert telling.placing(SALON, locale).kind is Kind.TEXT
    assert telling.uncertain(SALON, locale).kind is Kind.TEXT
    assert list(options(telling.not_placed(SALON, locale))) == ["again", "person"]
