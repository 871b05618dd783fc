"""Conversations as text files that people can read. Each file says who talks, and what the customer does; what the bot
says is filled in. `python -m tests.bot.retell` writes all of them anew: read the difference as a customer would.

    profile: GRILL · menu: FULL · locale: en      who talks (names in tests/bot/kitchen.py)
    > text         the customer types         > [title]     taps what was offered under the title, last first
    > @HOME        sends a place              > !DELIVERED  (no customer) the order moves on, and the customer is told
"""

import sys
from pathlib import Path

from tests.bot import kitchen
from tests.bot.kitchen import Guest
from wabot.bot import telling
from wabot.words import Draft, OrderStatus, PaymentStatus

FOLDER = Path(__file__).parent / "transcripts"
ACT = "> "
PAYMENTS = {"paid": PaymentStatus.PAID, "payment_failed": PaymentStatus.FAILED}


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.txt"))


def retold(text: str) -> str:
    """The transcript with all that the bot says to what its customer does."""
    head, *_ = text.partition("\n")
    guest, told = _guest(head), [head]
    for line in text.splitlines():
        if line.startswith(ACT):
            seen = len(guest.drafts)
            _do(guest, line.removeprefix(ACT))
            told += ["", line, *(line for draft in guest.drafts[seen:] for line in ("", *_shown(draft)))]
            told += _effects(guest)
    return "\n".join([*told, "", f"messages of ours: {len(guest.drafts)}", ""])


def _guest(head: str) -> Guest:
    said = dict(part.strip().split(": ") for part in head.removeprefix("#").split("·"))
    profile, menu = (getattr(kitchen, said[name]) for name in ("profile", "menu"))
    return Guest(profile, menu, name=said["name"], is_fetched="fetched" in said)


def _do(guest: Guest, act: str) -> None:
    if act.startswith("!"):
        _happen(guest, act[1:])
    elif act.startswith("@"):
        guest.send(getattr(kitchen, act[1:]))
    elif act.startswith("["):
        guest.tap(act[1:-1])
    else:
        guest.say(act)


def _happen(guest: Guest, what: str) -> None:
    if what in list(OrderStatus):
        guest.move(OrderStatus(what))
    elif what in PAYMENTS:
        guest.pay(what, PAYMENTS[what])
    elif what == "rating_reminder":
        guest.tell(getattr(telling, what)(guest.orders[0], guest.profile, guest.state.locale))
    else:
        guest.tell(getattr(telling, what)(guest.profile, guest.state.locale))


def _shown(draft: Draft) -> list[str]:
    lines = [f"  {line}" for line in draft.text.splitlines()]
    if draft.buttons:
        lines.append("  " + " ".join(f"[{button.title}]" for button in draft.buttons))
    if draft.sections:
        lines.append(f"  [{draft.button}]")
    rows = [row for section in draft.sections for row in section.rows]
    return lines + [f"    [{row.title}]" + (f" {row.description}" if row.description else "") for row in rows]


def _effects(guest: Guest) -> list[str]:
    """What the bot asked the rooms above for, said once."""
    told = [f"  (rated {rated.score or '-'}: {rated.comment or '-'})" for rated in guest.ratings]
    told += ["  (a reminder is kept)" for _ in guest.reminded]
    guest.ratings.clear()
    guest.reminded.clear()
    return told


def main() -> None:
    for path in files():
        path.write_text(retold(path.read_text("utf-8")), "utf-8")
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
