"""Which of the messages that wait for the bot belong together, and what is said to all of them: one answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from wabot import words
from wabot.bot import conversation as bot
from wabot.store.messages import Message

_FILES = frozenset(words.MediaType)
_ALBUM = timedelta(seconds=5)
"""Files that come closer together, and wait together, are told once what the bot makes of them."""


def together(messages: Iterable[Message], quiet: timedelta) -> Iterator[list[Message]]:
    """Messages in their order, grouped by bursts: those that came within `quiet` of the one before. Where nobody waits
    for the end of a burst (`quiet` is nothing) each is by itself, but for files in a row, as an album comes."""
    burst: list[Message] = []
    for message in messages:
        if burst and not _follows(burst[-1], message, quiet):
            yield burst
            burst = []
        burst.append(message)
    if burst:
        yield burst


def _follows(one: Message, other: Message, quiet: timedelta) -> bool:
    pause = max(quiet, _ALBUM) if {one.kind, other.kind} <= _FILES else quiet
    return bool(pause) and other.created_at - one.created_at <= pause


@dataclass(slots=True)
class Said:
    """The bot's answers to one burst, in order, and the message that the last of them was for."""

    answers: list[bot.Answer] = field(default_factory=list)
    message_id: int = 0

    def add(self, message_id: int, answer: bot.Answer) -> None:
        self.answers.append(answer)
        self.message_id = message_id

    @property
    def has_ordered(self) -> bool:
        """Whether the newest message confirmed an order."""
        return bool(self.answers and self.answers[-1].orders)

    @property
    def last(self) -> bot.Answer | None:
        """The answer that stands for all: the last that understood something, else the last."""
        spoken = [answer for answer in self.answers if answer.drafts]
        understood = [answer for answer in spoken if answer.understood]
        return next(reversed(understood or spoken), None)

    @property
    def drafts(self) -> list[words.Draft]:
        """What is sent: the last answer, and before and after it what must be said in any case."""
        last = self.last
        return [draft for answer in self.answers if answer is last or _must_be_said(answer) for draft in answer.drafts]

    @property
    def saved(self) -> int:
        """How many drafts need not be sent, because the last answer stands for them."""
        return sum(len(answer.drafts) for answer in self.answers) - len(self.drafts)

    def leads_on(self, answer: bot.Answer) -> bool:
        """Whether the next message of the burst is heard in the state that this answer led to: that a message was not
        understood is nothing that its customer has seen before writing on."""
        return answer.understood or _must_be_said(answer)

    def leaves_behind(self) -> bot.State | None:
        """The state after a burst of which nothing was understood: its customer now sees the last answer."""
        last = self.last
        return last.state if last and not self.leads_on(last) else None


def _must_be_said(answer: bot.Answer) -> bool:
    return answer.keep or answer.needs_person
