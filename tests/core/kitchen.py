"""A tenant that takes orders: wishes, orders placed as the bot places them, and the platform as it answers."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import responses

from tests.core.conftest import PHONE, Stage
from wabot import clock, config, words
from wabot.core import ordering, resolving
from wabot.store import alerts, customers, db, menus, order_lists, orders, tenants, webhooks
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.orders import Order
from wabot.words import Line, MenuCategory, MenuItem, OrderType, PaymentMethod, Picked, Wish

PLATFORM = "http://platform.test"
MERCHANT = "4f1c0a52-0000-4000-8000-000000000001"
SHAWARMA = Line("shawarma", {"ar": "شاورما", "en": "Shawarma"}, 1250, 2, (Picked("large", {"en": "Large"}, 300),),
                (Picked("garlic", {"en": "Garlic"}, 150, 2),))  # fmt: skip
"""Two of 12.50 + 3.00 + 2 × 1.50: 37.00."""
JUICE = Line("juice", {"en": "Orange juice"}, 800)
WISH = Wish(OrderType.DELIVERY, (SHAWARMA, JUICE), PaymentMethod.CASH, "", 24.7, 46.7, "King Fahd Road", "no onions")
MENU = words.Menu((MenuCategory("main", {"en": "Main"}, (MenuItem("shawarma", {"en": "Shawarma"}, 1250),)),))


@dataclass
class Kitchen:
    """What tests of orders speak to, beside the stage."""

    stage: Stage
    calls: list[dict[str, Any]] = field(default_factory=list)
    placed: int = 0

    @property
    def tenant(self) -> tenants.Tenant:
        found = tenants.by_slug("bait")
        assert found is not None
        return found

    def conversation(self, phone: str = PHONE) -> Conversation:
        """The conversation with this customer, who has just written and was answered."""
        self.stage.says("hello", phone=phone)
        self.stage.answer()
        customer = customers.find(self.tenant.id, words.Identity(phone=phone))
        assert customer is not None
        found = customers.existing_conversation(self.tenant.id, self.stage.channel.id, customer.id)
        assert found is not None
        return found

    def at_the_platform(self, **tenant: str) -> None:
        """From now on the tenant's orders are placed at the platform."""
        db.write(lambda: tenants.change(self.tenant.id, catalog_merchant=MERCHANT, **tenant))

    def with_a_menu(self) -> None:
        db.write(lambda: menus.keep(self.tenant.id, MENU, clock.now()))

    def place(
        self, wish: Wish = WISH, *, key: str = "", conversation: Conversation | None = None, **changes: Any
    ) -> Order:
        """An order as the bot places it; changes are of the wish."""
        where = conversation or self.conversation()
        self.placed += 1
        key = key or f"answer:{self.placed}"
        wished = replace(wish, **changes)
        return self.fresh(db.write(lambda: ordering.place(where, wished, key=key, now=clock.now()).id))

    def fresh(self, order: Order | int) -> Order:
        """The order as it is in the file now."""
        found = orders.by_id(order if isinstance(order, int) else order.id)
        assert found is not None
        return found

    def timeline(self, order: Order) -> list[str]:
        return [step.status.value for step in order_lists.steps_of(order.tenant_id, [order.id])[order.id]]

    def told(self, order: Order) -> list[str]:
        """What the customer was told about the order beside the flow, by its key."""
        prefix = f"order:{order.uid}:"
        found = Message.select().where(Message.idempotency_key.startswith(prefix)).order_by(Message.id)
        return [message.idempotency_key.removeprefix(prefix) for message in found]

    def alerts(self) -> list[str]:
        return [str(alert.data.get("what", alert.kind)) for alert in reversed(alerts.of_tenant(self.tenant.id, 100))]

    def answers(self, body: Any = None, status: int = 200, **how: Any) -> None:
        """From now on the platform answers so to an order."""
        self.stage.provider.remove("POST", f"{PLATFORM}/orders/submit")

        def take(request: Any) -> tuple[int, dict[str, str], str]:
            self.calls.append(json.loads(request.body) | {"key": request.headers.get("Idempotency-Key")})
            if isinstance(body, Exception):
                raise body
            return status, how.get("headers", {}), body if isinstance(body, str) else json.dumps(body)

        self.stage.provider.add_callback("POST", f"{PLATFORM}/orders/submit", callback=take)

    def says(self, number: str, status: str, payment: str = "pending", code: int = 200) -> None:
        """From now on the platform says this of an order when asked."""
        self.stage.provider.remove("GET", f"{PLATFORM}/orders/status")
        asked = responses.matchers.query_param_matcher({"MerchantId": MERCHANT, "OrderNumber": number})
        self.stage.provider.add("GET", f"{PLATFORM}/orders/status", status=code, match=[asked],
                                json={"orderStatus": status, "paymentStatus": payment})  # fmt: skip

    def work(self) -> int:
        """Do everything about orders that is due now; returns how many calls the platform got."""
        before = len(self.calls)
        while resolving.look_after() or resolving.work_next():
            continue
        return len(self.calls) - before

    def calls_back(self, number: Any, status: str = "", payment: str = "", **more: Any) -> None:
        """The platform calls back, and it is read."""
        body = {"orderNumber": number, "status": status, "paymentStatus": payment, "merchantId": MERCHANT, **more}
        answer = self.stage.client.post(f"/webhooks/orders/{self.tenant.orders_key}", data=json.dumps(body))
        assert (answer.status_code, answer.data) == (200, b"")
        self.stage.read()

    def verdict(self) -> tuple[str, str, str]:
        """What became of the newest webhook: verdict, reason, about."""
        newest = webhooks.page(most=1)[0]
        return newest.verdict.value, newest.reason, newest.about


def settings(monkeypatch: Any) -> None:
    """The platform's address and key."""
    monkeypatch.setenv("SUFRAH_API_BASE", PLATFORM)
    monkeypatch.setenv("SUFRAH_API_KEY", "the-platform-s-key")
    config.settings.cache_clear()
