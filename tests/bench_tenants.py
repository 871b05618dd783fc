"""Fills a benchmark's installation: tenants without limits, each with a channel of its own at the imitated provider.

python -m tests.bench_tenants 50      one process: the command would take half a second for each"""

import sys

from tests.spine.stack import ACCOUNT, NUMBER, TOKEN
from wabot import boot
from wabot.core import tenancy
from wabot.store import db

UNLIMITED = 1_000_000


def number(n: int) -> str:
    """The number of the n-th tenant's channel."""
    return f"+{int(NUMBER) + n}"


def main(tenants: int) -> None:
    boot.start()
    for n in range(tenants):
        new = tenancy.NewTenant(f"demo{n}", "Bait", in_per_minute=UNLIMITED, in_per_customer=UNLIMITED)
        tenancy.add_tenant(new, {})
        credentials = {"account_sid": ACCOUNT, "auth_token": TOKEN}
        tenancy.add_channel(new.slug, "twilio", number(n), credentials, out_per_minute=UNLIMITED)
    db.database.shut()


if __name__ == "__main__":
    main(int(sys.argv[1]))
