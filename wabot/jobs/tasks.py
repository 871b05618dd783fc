"""Thin tasks: each kind of derived work is one call into `core`, repeated while there is more to do."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from wabot import clock
from wabot.core import (
    answering,
    asking,
    catalogs,
    delivery,
    inbox,
    media,
    pulling,
    resolving,
    retrying,
    sandbox,
    upkeep,
    warming,
)
from wabot.jobs import huey, senders
from wabot.store import media as files
from wabot.store import messages, outbox, runs, submissions, webhooks
from wabot.store import sandbox as phone
from wabot.store.queue import Kind

LONGEST_SHIFT_SECONDS = 0.5
"""How long one nudge goes on working before it lets other kinds have the thread."""


def _work(name: str, step: Callable[[], bool]) -> None:
    until = clock.monotonic() + LONGEST_SHIFT_SECONDS
    with huey.storage.slot(name) as worked:
        while step():
            worked.append(True)
            if clock.monotonic() > until:
                return


@huey.task()  # type: ignore[untyped-decorator]
def read() -> None:
    """Read journalled webhooks."""
    _work("read", inbox.read_some)


@huey.task()  # type: ignore[untyped-decorator]
def answer() -> None:
    """Let the bot answer conversations that are due."""
    _work("answer", answering.answer_some)


@huey.task()  # type: ignore[untyped-decorator]
def keep_house() -> None:
    """Beat, recover what was lost, and apply what has reached its deadline."""
    _work("upkeep", upkeep.keep_house)


@huey.task()  # type: ignore[untyped-decorator]
def carry() -> None:
    """Deliver what the sandbox has for us."""
    _work("sandbox", sandbox.carry_next)


@huey.task()  # type: ignore[untyped-decorator]
def fetch() -> None:
    """Fetch files that came with customers' messages."""
    _work("fetch", media.fetch_next)


@huey.task()  # type: ignore[untyped-decorator]
def ask() -> None:
    """Ask providers what became of messages."""
    _work("ask", asking.ask_next)


@huey.task()  # type: ignore[untyped-decorator]
def retry() -> None:
    """Go on with retries of many messages."""
    _work("retry", retrying.go_on)


@huey.task()  # type: ignore[untyped-decorator]
def submit() -> None:
    """Place orders at the platform, and ask it about those that may be there."""
    _work("submit", resolving.work_next)


@huey.task()  # type: ignore[untyped-decorator]
def look_after_orders() -> None:
    """Tell customers who wait for their orders, and call somebody where nobody knows."""
    _work("orders", resolving.look_after)


@huey.task()  # type: ignore[untyped-decorator]
def fetch_menus() -> None:
    """Fetch what somebody wants to know from the catalog."""
    _work("catalog", catalogs.fetch_next)


@huey.task()  # type: ignore[untyped-decorator]
def bootstrap() -> None:
    """Fetch what customers who are being welcomed will need next."""
    _work("bootstrap", warming.run_next)


@huey.task()  # type: ignore[untyped-decorator]
def pull() -> None:
    """Pull usage figures that are due from providers."""
    _work("pull", pulling.pull_next)


@huey.task()  # type: ignore[untyped-decorator]
def send() -> None:
    """Send messages that are due."""
    _work("send", lambda: delivery.deliver_next(delivery.pace(senders())))


def _webhooks_due(now: datetime) -> datetime | None:
    return now if webhooks.anything_to_read() else None


def _answers_due(_now: datetime) -> datetime | None:
    return messages.next_answer_due()


def _upkeep_due(_now: datetime) -> datetime | None:
    return upkeep.next_due()


def _sandbox_due(_now: datetime) -> datetime | None:
    return phone.next_due()


def _files_due(_now: datetime) -> datetime | None:
    return files.next_due()


def _questions_due(_now: datetime) -> datetime | None:
    return asking.next_due()


def _runs_due(now: datetime) -> datetime | None:
    return now if runs.next_open() else None


def _submissions_due(_now: datetime) -> datetime | None:
    return submissions.next_due()


def _orders_due(_now: datetime) -> datetime | None:
    return submissions.next_deadline()


def _catalog_due(_now: datetime) -> datetime | None:
    return catalogs.next_due()


def _bootstraps_due(now: datetime) -> datetime | None:
    return warming.next_due(now)


def _pulls_due(_now: datetime) -> datetime | None:
    return pulling.next_due()


def _sends_due(now: datetime) -> datetime | None:
    found = outbox.look(now, delivery.pace(senders()))
    return now if found.message_id is not None else found.look_again_at


def _nudge(task: Any) -> Callable[[], bytes]:
    return lambda: bytes(huey.serialize_task(task.s()))


huey.storage.kinds = {
    "read": Kind("read", 1, _webhooks_due, _nudge(read)),
    "answer": Kind("answer", 1, _answers_due, _nudge(answer)),
    "upkeep": Kind("upkeep", 1, _upkeep_due, _nudge(keep_house)),
    "sandbox": Kind("sandbox", 1, _sandbox_due, _nudge(carry), calls_out=True),
    "fetch": Kind("fetch", 1, _files_due, _nudge(fetch), calls_out=True),
    "ask": Kind("ask", 1, _questions_due, _nudge(ask), calls_out=True),
    "retry": Kind("retry", 1, _runs_due, _nudge(retry)),
    "submit": Kind("submit", 2, _submissions_due, _nudge(submit), calls_out=True),
    "orders": Kind("orders", 1, _orders_due, _nudge(look_after_orders)),
    "catalog": Kind("catalog", 4, _catalog_due, _nudge(fetch_menus), calls_out=True),
    "bootstrap": Kind("bootstrap", 5, _bootstraps_due, _nudge(bootstrap), calls_out=True),
    "pull": Kind("pull", 1, _pulls_due, _nudge(pull), calls_out=True),
    "send": Kind("send", 1, _sends_due, _nudge(send), calls_out=True),
}
