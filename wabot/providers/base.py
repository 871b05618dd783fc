"""What a provider must be able to do for the rest of wabot: vendor dialects in, our words out.
Adapters keep no state, open no database and know no web framework."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wabot import errors, words
from wabot.config import Settings
from wabot.providers.metered import Pace, UsageAsked, UsageDay


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as received on one of the webhook routes.

    `target` is the raw path with its raw query, never re-encoded; header names are in lower case.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Address:
    """What an unverified request says about whom it is for; it only chooses the secret to verify with.

    `route` is what the provider names our channel by (its number, or an id of the provider's), `reference` our
    `<message uid>.<attempt>`, `account` the provider's account where it concerns all channels of one.
    """

    route: str = ""
    reference: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One channel as its adapter sees it: the number and the opened credentials, defaults filled in."""

    number: str
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A provider took the message; `raw` is at most the first 2 kB of what it answered."""

    provider_message_id: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that a provider kept for us; `mime_type` is in lower case and without parameters."""

    body: bytes = field(repr=False)
    mime_type: str = ""
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider wants to hear once its webhook is written down."""

    content_type: str = "text/plain"
    body: str = ""


class Structures(Protocol):
    """Where an adapter keeps the ids of what it had to create at the provider, per account."""

    def obtain(self, key: str, create: Callable[[], str]) -> str:
        """The id kept under `key`; made by `create` if there is none, by one caller at a time."""

    def forget(self, key: str) -> None:
        """Drop the id kept under `key`, because the provider no longer knows it."""


class Files(Protocol):
    """Our own files, for an adapter that sends one. Both raise PermanentFailure (`media_gone`) for one that is no
    longer here."""

    def read(self, media_id: int) -> bytes:
        """All of the file, at most MAX_MEDIA_BYTES."""

    def link(self, media_id: int) -> str:
        """A public, unguessable address from which the provider can fetch it."""


class Provider(Protocol):
    """One vendor. `name` is the word of the command line and of the file."""

    name: str
    required: tuple[str, ...]
    """Credential keys without which a channel can neither verify nor send."""
    optional: tuple[str, ...]
    generated: tuple[str, ...]
    """Credential keys that are made up when none is given, because both ends are ours."""
    echoes_reference: bool
    """Whether receipts carry our `<uid>.<attempt>`; where not, unknown outcomes are never resent."""
    can_be_asked: bool
    """Whether `find` can ever find anything."""
    webhook_budget_seconds: float
    """How long a webhook may wait for the file before it must be answered 503."""
    answer: Answer

    def account(self, number: str, credentials: Mapping[str, str], settings: Settings) -> Account:
        """The channel's account, with the defaults that `settings` hold for this provider."""

    def default_account(self, settings: Settings) -> Account | None:
        """The account that verifies webhooks for numbers we do not know; None when there is none."""

    def urls(self, public_url: str, key: str) -> tuple[str, str]:
        """The webhook URL and the status URL to enter at the provider."""

    def recognises(self, arrived: Arrived) -> bool:
        """Whether an unaddressed request is in this provider's dialect."""

    def route(self, account: Account) -> str:
        """What this provider's webhooks name the channel by."""

    def group(self, account: Account) -> str:
        """What the provider calls the account that the channel belongs to, which other channels may share; empty
        where it does not say."""

    def addresses(self, arrived: Arrived) -> Sequence[Address]:
        """Whom the request says it is for, each once; one webhook can be for several channels. Never
        raises; nothing where it does not say."""

    def challenge(self, arrived: Arrived, account: Account) -> Answer | None:
        """The answer to a subscription handshake (GET) that carries this account's token; None for any
        other request. Never raises; no token, no answer."""

    def must_verify(self, settings: Settings) -> bool:
        """Whether webhooks have to be signed; settings can waive it while everything is on loopback."""

    def verify(self, arrived: Arrived, account: Account, public_url: str) -> bool:
        """Whether the account's secret signed this request. Never raises; no secret, no webhook."""

    def parse(self, arrived: Arrived) -> Sequence[words.Item]:
        """Every item of a verified webhook, in its order. Raises Unreadable for the whole of it."""

    def check(self, draft: words.Draft) -> None:
        """Raises Refused if this provider cannot carry the draft, not even as the numbered text that stands in for a
        kind of message that it does not have."""

    def send(
        self,
        account: Account,
        recipient: str,
        draft: words.Draft,
        *,
        reference: str,
        structures: Structures,
        files: Files,
        settings: Settings,
    ) -> Accepted:
        """One call that sends, within `settings.send_timeout` seconds in all. Raises ProviderFailure."""

    def fetch(self, account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:
        """The file of an attachment, at most MAX_MEDIA_BYTES of it, within MEDIA_SECONDS; asked for only at hosts of
        the configured addresses. Raises ProviderFailure."""

    def template_id(self, account: Account, name: str, settings: Settings) -> str:
        """What the provider calls a template that is not in our registry, where its name or the settings say so;
        else empty."""

    def templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        """Every template that the account has at the provider. Raises ProviderFailure, and Conflict where they cannot
        be listed."""

    def named_templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:
        """The templates that the settings name for this account, as the provider describes them. Raises
        ProviderFailure."""

    def find(
        self, account: Account, recipient: str, draft: words.Draft, since: datetime, known: Set[str], settings: Settings
    ) -> Accepted | None:
        """The message that an attempt of unknown outcome left at the provider, sent to `recipient` since then: one
        that cannot be any of the `known` provider ids, and only when there is no doubt; None when there is none that
        could be it, or the provider cannot be asked. Raises ProviderFailure."""

    def usage_pace(self, account: Account, settings: Settings) -> Pace:
        """How fast usage may be asked for, by what the provider counts its limit."""

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:
        """What the provider says that the channel did and cost on each day that it has something to say of, oldest
        first: of those that were asked for, and have ended. Raises ProviderFailure, of which none is an UnknownOutcome
        (SetupRefused `not_configured` before anything is asked), and Conflict where it tells no usage."""

    def probe(self, account: Account, settings: Settings) -> None:
        """Ask the provider whether the credentials are good. Raises ProviderFailure."""

    def failure(self, code: str, message: str) -> errors.ProviderFailure:
        """What the error of a receipt means; returned, not raised. A code we do not know is temporary."""

    def recover(self, account: Account, since: datetime, settings: Settings) -> Iterator[Arrived]:
        """What customers wrote to the account's number since then, oldest first, each as the webhook that
        would have brought it, unsigned. Raises ProviderFailure, and Conflict where no history is kept."""


class Lacking:
    """What an adapter says whose provider lists no templates, tells no usage, and cannot be asked what became of a
    message."""

    can_be_asked = False

    def template_id(self, account: Account, name: str, settings: Settings) -> str:  # noqa: ARG002
        return ""

    def templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:  # noqa: ARG002
        raise errors.Conflict("this provider does not list its templates: set them one by one")

    def named_templates(self, account: Account, settings: Settings) -> Iterator[words.Template]:  # noqa: ARG002
        return iter(())

    def find(
        self,
        account: Account,  # noqa: ARG002
        recipient: str,  # noqa: ARG002
        draft: words.Draft,  # noqa: ARG002
        since: datetime,  # noqa: ARG002
        known: Set[str],  # noqa: ARG002
        settings: Settings,  # noqa: ARG002
    ) -> Accepted | None:
        return None

    def usage_pace(self, account: Account, settings: Settings) -> Pace:  # noqa: ARG002
        return Pace("", 10, 1.0)

    def usage(self, account: Account, asked: UsageAsked, settings: Settings) -> Sequence[UsageDay]:  # noqa: ARG002
        raise errors.Conflict("this provider tells no usage")


MAX_MEDIA_BYTES = 16 << 20
"""The largest file that is fetched, kept and sent."""
MEDIA_SECONDS = 60.0


class RefusedByLimit(errors.Refused):
    """A draft that exceeds what WhatsApp or this provider can show."""

    def __init__(self, message: str) -> None:
        super().__init__("too_long", message)
