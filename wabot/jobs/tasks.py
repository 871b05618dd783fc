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
from wabot.store import bootstraps, messages, outbox, runs, submissions, wanted, webhooks
from wabot.store import media as files
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


def _sends_due(now: datetime) -> datetime | None:
    found = outbox.look(now, delivery.pace(senders()))
    return now if found.message_id is not None else found.look_again_at


def _nudge(task: Any) -> Callable[[], bytes]:
    return lambda: bytes(huey.serialize_task(task.s()))


_KINDS = (
    Kind("read", 1, lambda now: now if webhooks.anything_to_read() else None, _nudge(read)),
    Kind("answer", 1, lambda _: messages.next_answer_due(), _nudge(answer)),
    Kind("upkeep", 1, lambda _: upkeep.next_due(), _nudge(keep_house)),
    Kind("sandbox", 1, lambda _: phone.next_due(), _nudge(carry), calls_out=True),
    Kind("fetch", 1, lambda _: files.next_due(), _nudge(fetch), calls_out=True),
    Kind("ask", 1, lambda _: asking.next_due(), _nudge(ask), calls_out=True),
    Kind("retry", 1, lambda now: now if runs.next_open() else None, _nudge(retry)),
    Kind("submit", 2, lambda _: submissions.next_due(), _nudge(submit), calls_out=True),
    Kind("orders", 1, lambda _: submissions.next_deadline(), _nudge(look_after_orders)),
    Kind("catalog", 4, lambda _: wanted.next_due(), _nudge(fetch_menus), calls_out=True),
    Kind("bootstrap", 5, bootstraps.next_due, _nudge(bootstrap), calls_out=True),
    Kind("pull", 1, lambda _: pulling.next_due(), _nudge(pull), calls_out=True),
    Kind("send", 1, _sends_due, _nudge(send), calls_out=True),
)
huey.storage.kinds = {kind.name: kind for kind in _KINDS}
