"""What the query of a list of the log may say, checked."""

from datetime import date, datetime

from flask import request

from wabot import words
from wabot.bot.state import LOCALES
from wabot.core import days, moments, reporting
from wabot.store.logs import Asked
from wabot.store.tenants import Tenant
from wabot.web.problems import Problem

LARGEST_PAGE = 200
LONGEST_TEXT = 100
MOST_DAYS = 366
OUTGOING = [word.value for word in words.Status if word is not words.Status.RECEIVED]


def asked(tenant_id: int | None) -> Asked:
    """The messages that the query asks for, within what the caller may see. Raises Problem 400."""
    return Asked(
        tenant_id=tenant_id,
        status=status(request.args.get("status", "")),
        purpose=request.args.get("type", "")[:LONGEST_TEXT],
        kind=request.args.get("kind", "")[:LONGEST_TEXT],
        min_retries=number("minRetries", "bad_min_retries", default=0, least=0, most=1000),
        since=since(request.args.get("since", "")),
        text=request.args.get("q", "").strip()[:LONGEST_TEXT],
    )


def status(text: str) -> str:
    """A state of an outgoing message, or nothing. Raises Problem 400."""
    if text and text not in OUTGOING:
        raise Problem(400, "bad_status", f"status is one of {', '.join(OUTGOING)}.")
    return text


def since(text: str) -> datetime | None:
    """A moment, or nothing. In a query the plus of a zone comes as a space. Raises Problem 400."""
    try:
        return moments.parse(text.replace(" ", "+") if "T" in text else text) if text else None
    except ValueError as error:
        example = "2026-11-20, 2026-11-20T09:30Z, 30m, 2h or 3d"
        raise Problem(400, "bad_since", f"since is a time such as {example}.") from error


def page() -> tuple[int, int]:
    """The number of the page, from 1, and how many rows it has. Raises Problem 400."""
    shown = number("page", "bad_page", default=1, least=1, most=1_000_000_000)
    return shown, number("pageSize", "bad_page_size", default=50, least=1, most=LARGEST_PAGE)


def language() -> str:
    """The language that was asked for, or nothing. Raises Problem 400."""
    lang = request.args.get("lang", "").lower()
    if lang and lang not in LOCALES:
        raise Problem(400, "bad_lang", f"lang is one of {', '.join(LOCALES)}.")
    return lang


def span(tenant: Tenant, now: datetime) -> tuple[date, date]:
    """From which to which of the tenant's days. Raises Problem 400."""
    first, last = reporting.span(tenant, _day("from"), _day("to"), now)
    if first > last or (last - first).days >= MOST_DAYS:
        raise Problem(400, "bad_range", f"from is no later than to, and they span at most {MOST_DAYS} days.")
    return first, last


def _day(name: str) -> date | None:
    text = request.args.get(name, "")
    try:
        return days.parse(text) if text else None
    except ValueError as error:
        raise Problem(400, f"bad_{name}", f"{name} is a day such as 2026-11-20.") from error


def number(name: str, code: str, *, default: int, least: int, most: int) -> int:
    """A whole number within these bounds. Raises Problem 400."""
    text = request.args.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()) or not least <= int(text[:12]) <= most:
        raise Problem(400, code, f"{name} is a number from {least} to {most}.")
    return int(text[:12])
