"""What a provider is asked about usage and what it answers, in our words; part of what `base` describes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What a provider says of one channel on one of its own days, which lies from `begins_at` on and before `ends_at`.

    `categories` are messages (before July 2025 conversations) by the provider's word for what they are billed as, in
    lower case with `_` between words. What a provider does not count is 0: none of them counts everything.
    `cost_micros` is None where it tells no cost, or only a part of it, and otherwise in `currency`, which is empty
    where it names none.
    """

    day: date
    begins_at: datetime
    ends_at: datetime
    categories: Mapping[str, int] = field(default_factory=dict)
    conversations: int = 0
    messages_in: int = 0
    messages_out: int = 0
    delivered: int = 0
    billable: int = 0
    cost_micros: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class UsageAsked:
    """Which of the provider's days are wanted, both ends included; it answers for those that have ended by now.

    `shared`: other channels of this installation belong to the same account, so that the account's own sums are
    nobody's; `is_ours` tells whether a provider's message id is this channel's. `wait_for_turn` is called before each
    request, and raises Throttled when the turn is too far away; `ends_at` (monotonic) is when all must be over.
    """

    first: date
    last: date
    now: datetime
    shared: bool
    is_ours: Callable[[str], bool]
    wait_for_turn: Callable[[], None]
    ends_at: float


@dataclass(frozen=True, slots=True)
class Pace:
    """So many usage requests in so many seconds, for all that share the `key`."""

    key: str
    most: int
    seconds: float
