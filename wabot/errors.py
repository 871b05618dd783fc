"""The whole exception tree. Whoever raises knows the verdict; whoever catches makes a decision.

WabotError
├── ConfigurationError          a setting or the file does not fit: one line, exit 1
├── SealError                   a credential cannot be opened with this secret key
├── NotFound                    no such thing, or someone else's
├── Conflict                    it exists already, or its state forbids this
│   └── StepForbidden           … an order cannot come from where it is to where it should; `allowed` can follow
├── Refused                     a send that is refused at once; `code` is CONTRACT §5's word
├── CannotWrite                 the file could not be written before the caller's deadline
├── Unreadable                  a verified webhook, or one item of it, that no parser understands
└── ProviderFailure             a provider call did not end in "accepted"
    ├── TemporaryFailure        surely not sent; trying again can help
    ├── Throttled               surely not sent; the channel waits, no attempt is spent
    ├── PermanentFailure        surely not sent; trying again cannot help
    │   ├── RecipientRefused    … because of this customer: the number, the window, an opt-out
    │   ├── TemplateRefused     … because of its template, which pauses
    │   └── SetupRefused        … because the channel is set up wrongly: the operator must mend it
    ├── CredentialsRefused      surely not sent; the channel pauses until they are replaced
    └── UnknownOutcome          nobody can tell from here whether it was sent
"""

from dataclasses import dataclass


class WabotError(Exception):
    """Everything that wabot raises on purpose."""


class ConfigurationError(WabotError):
    """A setting or the database file does not fit; the message is one line for the operator."""


class SealError(WabotError):
    """A sealed credential cannot be opened with the present secret key."""


class NotFound(WabotError):
    """There is no such thing for this caller."""


class Conflict(WabotError):
    """The thing exists already, or its present state forbids the change."""


class StepForbidden(Conflict):
    """An order's state does not lead to the one that was asked for; `allowed` are those that can follow."""

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class Refused(WabotError):
    """A draft that is refused before it is stored; `code` is a word of CONTRACT §5."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CannotWrite(WabotError):
    """The database could not be written before the deadline; nothing was stored."""


class Unreadable(WabotError):
    """A verified webhook, or one item of it, that cannot be understood; the message says why."""


@dataclass
class ProviderFailure(WabotError):
    """A provider call that did not end in "accepted".

    `code` is the provider's own code where it gave one, else a word of ours; `raw` is at most the
    first 2 kB of its answer, kept for the operator; `reason` is a word of `words.Reason`.
    """

    code: str
    message: str = ""
    raw: bytes = b""
    retry_after: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class TemporaryFailure(ProviderFailure):
    """Surely not sent; a later attempt can succeed."""


class Throttled(ProviderFailure):
    """Surely not sent: too fast. The channel waits `retry_after` seconds; no attempt is spent."""


class PermanentFailure(ProviderFailure):
    """Surely not sent; another attempt of the same content to the same recipient cannot succeed."""


class RecipientRefused(PermanentFailure):
    """This customer cannot be sent this: an invalid number, a closed window, an opt-out. Nobody's fault here."""


class TemplateRefused(PermanentFailure):
    """The template does not exist, is not approved, is paused, or does not take these variables."""


class SetupRefused(PermanentFailure):
    """The channel or its account is configured wrongly; no message of this sort can go until that is mended."""


class CredentialsRefused(ProviderFailure):
    """Surely not sent: the provider does not accept this channel's credentials."""


class UnknownOutcome(ProviderFailure):
    """The request may or may not have been carried out (faults 32 to 36)."""
