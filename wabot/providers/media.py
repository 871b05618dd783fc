"""Files at a provider: which addresses may be asked for one, and how it is fetched. Knows no vendor.

An address comes with a webhook or with a provider's answer. It is asked only where it lies below one of the places
that the adapter names, so that nobody can make us ask our own network or show our credentials to a stranger
(security rows 53 to 58). A name is compared and never resolved: the places are the operator's and the vendors' own.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from wabot import clock, errors, http, words
from wabot.providers import answers, base
from wabot.providers.base import MAX_MEDIA_BYTES, Fetched

LONGEST_URL = 2048
HOPS = 2
"""Redirects that are followed for one file, each to a place of its own right."""

_URL = re.compile(r"(https?)://([a-z0-9.-]+)(?::([0-9]{1,5}))?(/[!-\[\]-~]*)?", re.IGNORECASE)
"""Neither a user nor IPv6, no space, no backslash, nothing that is not ASCII: readers of addresses differ on those."""
_PORTS = {"http": 80, "https": 443}
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}")
_SAYS_NOTHING = frozenset({"application/octet-stream", "binary/octet-stream"})


@dataclass(frozen=True, slots=True)
class _Address:
    origin: tuple[str, str, int]
    path: str


def _read(url: str) -> _Address | None:
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if found is None:
        return None
    scheme, path = found[1].lower(), found[4] or "/"
    if _DOTS.search(re.split(r"[?#]", path, maxsplit=1)[0]):
        return None
    return _Address((scheme, found[2].lower(), int(found[3] or _PORTS[scheme])), path)


def is_below(url: str, *places: str) -> bool:
    """Whether the address has scheme, host and port of one of these addresses, and a path below its path."""
    asked = _read(url)
    if asked is None:
        return False
    known = [place for place in map(_read, places) if place is not None]
    return any(asked.origin == place.origin and asked.path.startswith(_folder(place)) for place in known)


def _folder(place: _Address) -> str:
    return place.path.rstrip("/") + "/"


def origin(url: str) -> str:
    """The root of an address: its scheme, host and port. Empty for one that is not asked."""
    found = _read(url)
    return "{}://{}:{}/".format(*found.origin) if found else ""


def plain_type(content_type: str) -> str:
    """A media type in lower case and without parameters; empty where it is none."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind if _MIME_TYPE.fullmatch(kind) else ""


def _ends_at() -> float:
    return clock.monotonic() + base.MEDIA_SECONDS


@dataclass(frozen=True, slots=True)
class Download:
    """The calls that fetch one file; all of them together end at `ends_at` (monotonic)."""

    ends_at: float = field(default_factory=_ends_at)

    def get(self, url: str, *places: str, most_bytes: int = MAX_MEDIA_BYTES, **access: Any) -> http.Answer:
        """The answer of an address below one of the places. Nothing is sent by asking, so no outcome is unknown.

        Raises PermanentFailure (`media_host`, `media_too_large`), and TemporaryFailure for all else.
        """
        if not is_below(url, *places):
            raise failure(errors.PermanentFailure, "media_host", "the file is not at an address of the provider")
        left = self.ends_at - clock.monotonic()
        if left <= 0:
            raise failure(errors.TemporaryFailure, "timeout", f"not here within {base.MEDIA_SECONDS:g} seconds")
        try:
            return http.request("GET", url, deadline_seconds=left, most_bytes=most_bytes, **access)
        except errors.UnknownOutcome as error:
            if error.code == "answer_too_large":
                raise too_large() from error
            raise failure(errors.TemporaryFailure, error.code, error.message) from error


def failure(verdict: type[errors.ProviderFailure], code: str, message: str) -> errors.ProviderFailure:
    """A failure to get a file; returned, not raised."""
    return verdict(code, message, reason=words.Reason.MEDIA)


def too_large() -> errors.ProviderFailure:
    """The file is larger than what is kept; returned, not raised."""
    return failure(errors.PermanentFailure, "media_too_large", f"more than {MAX_MEDIA_BYTES >> 20} MB")


def refused(answer: http.Answer) -> errors.ProviderFailure:
    """What an answer other than the file means; returned, not raised. Whether the credentials are good is found out
    by sends, not by this: it is tried again."""
    if answer.status in (404, 410):
        return failure(errors.TemporaryFailure, "media_gone", f"the provider answers {answer.status}")
    if 300 <= answer.status < 400:
        return failure(errors.PermanentFailure, "media_host", "the provider sends us on, again")
    told = failure(errors.TemporaryFailure, f"http_{answer.status}", f"the provider answers {answer.status}")
    told.retry_after = answers.retry_after(answer.headers)
    return told


def fetched(answer: http.Answer, attachment: words.Attachment, told: str = "") -> Fetched:
    """The file that an answer is; `told` is the type that the provider names elsewhere. Raises ProviderFailure."""
    if answer.status != 200:
        raise refused(answer)
    given = (answer.headers.get("content-type", ""), told, attachment.mime_type)
    known = [kind for kind in map(plain_type, given) if kind]
    telling = [kind for kind in known if kind not in _SAYS_NOTHING]
    return Fetched(answer.body, next(iter(telling or known), ""), attachment.filename)
