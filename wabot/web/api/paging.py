"""Pages of lists: `limit`, and a cursor that is an id to go on from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request

from wabot.web.problems import Problem

T = TypeVar("T")
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page:
    limit: int
    before: int | None


def requested() -> Page:
    """The page that the query asks for. Raises Problem 400."""
    limit = request.args.get("limit", str(DEFAULT_LIMIT))
    if not limit.isdecimal() or not 1 <= int(limit[:10]) <= LARGEST_LIMIT:
        raise Problem(400, "bad_limit", f"limit is a number from 1 to {LARGEST_LIMIT}.")
    cursor = request.args.get("cursor", "")
    if cursor and not (cursor.isdecimal() and len(cursor) < 19):
        raise Problem(400, "bad_cursor", "cursor is the nextCursor of an earlier page.")
    return Page(int(limit), int(cursor) if cursor else None)


def shaped(
    found: Sequence[T], page: Page, shape: Callable[[T], dict[str, Any]], cursor: Callable[[T], int]
) -> dict[str, Any]:
    """`{data, pagination}` of `found`, which holds one row more than the page when there is more."""
    shown = found[: page.limit]
    more = len(found) > page.limit
    pagination = {"limit": page.limit, "hasMore": more, "nextCursor": str(cursor(shown[-1])) if more else None}
    return {"data": [shape(row) for row in shown], "pagination": pagination}
