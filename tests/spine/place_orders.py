"""Places orders as the bot does, from a process of its own: `python -m tests.spine.place_orders SLUG COUNT`; prints
their uids."""

import json
import sys

from tests.fakes import sufrah
from wabot import boot, clock, words
from wabot.core import ordering, tenancy
from wabot.store import customers, db
from wabot.words import Line, OrderType, PaymentMethod, Wish

WISH = Wish(OrderType.DELIVERY, (Line(sufrah.SHAWARMA, {"en": "Shawarma"}, 1850),), PaymentMethod.CASH, sufrah.OLAYA)


def main() -> None:
    boot.start()
    tenant = tenancy.find_tenant(sys.argv[1])
    [channel] = tenancy.tenants.channels(tenant.id)

    def place(n: int) -> str:
        now = clock.now()
        customer = customers.meet(tenant.id, words.Identity(phone=f"+96651111{n:04}"), "Sara", now)
        conversation = customers.conversation(tenant.id, channel.id, customer.id, now)
        customers.note_incoming(conversation.id, 0, now)
        return ordering.place(conversation, WISH, key=f"answer:{n}", now=now).uid

    print(json.dumps([db.write(lambda n=n: place(n)) for n in range(int(sys.argv[2]))]))
    db.database.shut()


if __name__ == "__main__":
    main()
