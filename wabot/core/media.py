"""Files: fetched from the providers that keep them for us, uploaded by tenants, and given out again."""

import logging
import mimetypes
import re
from dataclasses import replace
from datetime import datetime, timedelta

from wabot import clock, config, errors, words
from wabot.core import tenancy
from wabot.providers import by_name
from wabot.providers.base import MAX_MEDIA_BYTES, MEDIA_SECONDS, Fetched
from wabot.store import db, media, tenants
from wabot.store.media import Media

log = logging.getLogger(__name__)

RETRY_AFTER = (timedelta(seconds=5), timedelta(seconds=15))
MOST_TRIES = len(RETRY_AFTER) + 1
LEASE = timedelta(seconds=3 * MEDIA_SECONDS)
MOST_EXPIRED = 4
"""Chunks deleted in one write: a megabyte, so that nobody waits for it."""
LONGEST_FILENAME = 120
UNTYPED = "application/octet-stream"
_MIME_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_TYPES = (words.MediaType.IMAGE, words.MediaType.VIDEO, words.MediaType.AUDIO)


def fetch_next() -> bool:
    """Fetch the next file that is due from its provider; False when none was. No transaction is open meanwhile."""
    claimed = db.write(lambda: media.claim(clock.now(), LEASE, MOST_TRIES))
    if claimed is None:
        return False
    try:
        fetched = _fetch(claimed)
    except errors.ProviderFailure as failure:
        _put_off(claimed, failure)
        return True
    _keep(claimed.id, fetched)
    return True


def _fetch(claimed: Media) -> Fetched:
    channel = tenants.channel(claimed.channel_id or 0)
    if channel is None:
        raise errors.PermanentFailure("channel_gone")
    attachment = words.Attachment(claimed.type, claimed.reference, claimed.mime_type, claimed.filename)
    try:
        fetched = by_name(channel.provider).fetch(tenancy.account(channel), attachment, config.settings())
    except errors.SealError as error:
        raise errors.PermanentFailure("sealed", str(error)) from error
    except errors.ProviderFailure:
        raise
    except Exception as error:
        log.exception("an adapter failed to fetch a file", extra={"media": claimed.id, "provider": channel.provider})
        raise errors.TemporaryFailure("adapter_failed", type(error).__name__) from error
    if not fetched.body:
        raise errors.TemporaryFailure("media_empty", "the file is empty")
    kept_type = fetched.mime_type or claimed.mime_type
    return replace(fetched, mime_type=kept_type, filename=_plain_name(fetched.filename or claimed.filename))


def _put_off(claimed: Media, failure: errors.ProviderFailure) -> None:
    gives_up = isinstance(failure, errors.PermanentFailure) or claimed.tries >= MOST_TRIES
    due_at = None if gives_up else clock.now() + RETRY_AFTER[claimed.tries - 1]
    if gives_up:
        log.warning("a file was given up", extra={"media": claimed.id, "code": failure.code})
    db.write(lambda: media.put_off(claimed.id, due_at, failure.code, failure.message))


def _keep(media_id: int, fetched: Fetched) -> None:
    """Chunk by chunk; the file is there when the last one is. The same again after a crash replaces them."""
    for n, data in media.chunks(fetched.body):
        if not db.write(lambda n=n, data=data: media.put(media_id, n, data)):  # type: ignore[misc]
            return
    size = len(fetched.body)
    db.write(lambda: media.finish(media_id, size=size, mime_type=fetched.mime_type, filename=fetched.filename))


def upload(tenant_id: int, body: bytes, mime_type: str, filename: str) -> Media:
    """Keep a file that a tenant will send. Raises Refused (`media_empty`, `media_too_large`)."""
    if not body:
        raise errors.Refused("media_empty", "the file is empty")
    if len(body) > MAX_MEDIA_BYTES:
        raise errors.Refused("media_too_large", f"{MAX_MEDIA_BYTES >> 20} MB are allowed")
    name = _plain_name(filename)
    kind = mime_type.partition(";")[0].strip().lower()
    if not _MIME_TYPE.fullmatch(kind) or kind == UNTYPED:
        kind = mimetypes.guess_type(name)[0] or UNTYPED
    row = db.write(lambda: media.add_upload(tenant_id, _type(kind), kind, name, clock.now()))
    _keep(row.id, Fetched(body, kind, name))
    found = media.find(tenant_id, row.id)
    if found is None:
        raise errors.NotFound("the tenant was removed meanwhile")
    return found


def _type(mime_type: str) -> words.MediaType:
    main = mime_type.partition("/")[0]
    return words.MediaType(main) if main in _TYPES else words.MediaType.DOCUMENT


def _plain_name(filename: str) -> str:
    """A file's name without any path and without control characters."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in name if character.isprintable()).strip(" .")[-LONGEST_FILENAME:]


def described(tenant_id: int, draft: words.Draft) -> words.Draft:
    """The draft with type and size of its file, where that is one of the tenant's own. Raises Refused
    (`media_unknown`) for a file that the tenant does not have."""
    if draft.media is None or not draft.media.media_id:
        return draft
    row = media.find(tenant_id, draft.media.media_id)
    if row is None or row.state is not words.MediaState.READY:
        raise errors.Refused("media_unknown", "there is no such file")
    filename = draft.media.filename or row.filename
    return replace(draft, media=replace(draft.media, filename=filename, mime_type=row.mime_type, size=row.size))


class Kept:
    """The `Files` that adapters are given (providers.base), of one tenant."""

    def __init__(self, tenant_id: int) -> None:
        self._tenant_id = tenant_id

    def read(self, media_id: int) -> bytes:
        """All of the file. Raises PermanentFailure (`media_gone`)."""
        return b"".join(media.read(self._row(media_id).id))

    def link(self, media_id: int) -> str:
        """Its public address. Raises PermanentFailure (`media_gone`)."""
        return f"{config.settings().wabot_public_url}/media/{self._row(media_id).key}"

    def _row(self, media_id: int) -> Media:
        row = media.find(self._tenant_id, media_id)
        if row is None or row.state is not words.MediaState.READY:
            raise errors.PermanentFailure("media_gone", "the file is no longer here")
        return row


def forget_old(now: datetime) -> bool:
    """Delete a little of what is past its retention; True while there is more."""
    days = config.settings().retention_days["MEDIA"]
    return bool(days) and bool(db.write(lambda: media.expire(now - timedelta(days=days), MOST_EXPIRED)))


def mind_the_clock() -> None:
    """After the wall clock jumped: what was put off into an impossible future is fetched now."""
    now = clock.now()
    db.write(lambda: media.bring_forward(now, LEASE))
