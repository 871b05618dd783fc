"""Files and places at Twilio: what it is sent of them, and how what a customer sent is fetched.

Sources, read November 2026: https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages and
https://www.twilio.com/docs/messaging/guides/accepted-mime-types (2026-07-07) for types and sizes;
https://www.twilio.com/docs/whatsapp/message-features for places; and for where files are kept
https://support.twilio.com/hc/en-us/articles/223183748 ("Protect Media Access with HTTP Basic Authentication"): the API
redirects to one of two hosts, by an address that is good for four hours. That files without authentication are below
/media.twiliocdn.com/ there is as in the redirects that several projects kept; the host is everybody's.
"""

from collections.abc import Mapping
from urllib.parse import urljoin

from wabot import words
from wabot.config import Settings
from wabot.providers import bodies, limits, media, twilio_api
from wabot.providers.base import Account, Fetched, Files
from wabot.providers.limits import CAPTION, DOCUMENTS, MB, FileLimit
from wabot.words import MediaType

STORAGE = ("https://mms.twiliocdn.com/", "https://s3-external-1.amazonaws.com/media.twiliocdn.com/")

FILES: Mapping[str, FileLimit] = {
    MediaType.IMAGE: FileLimit(frozenset({"image/jpeg", "image/jpg", "image/png"}), 5 * MB, CAPTION),
    MediaType.VIDEO: FileLimit(frozenset({"video/mp4"}), 16 * MB, CAPTION),
    MediaType.AUDIO: FileLimit(frozenset({"audio/ogg", "audio/amr", "audio/3gpp", "audio/aac", "audio/mpeg"}), 16 * MB),
    MediaType.DOCUMENT: FileLimit(DOCUMENTS, 16 * MB),
    MediaType.STICKER: FileLimit(frozenset({"image/webp"}), limits.FILES[MediaType.STICKER].most_bytes),
}
"""Twilio "does not support setting a filename or caption for documents": it would be lost without a word."""


def of_file(file: words.Media, caption: str, files: Files) -> dict[str, str]:
    """The fields of a message that is a file; Twilio fetches it, ours too."""
    url = files.link(file.media_id) if file.media_id else file.url
    return {"MediaUrl": url} | ({"Body": bodies.clean(caption)} if caption.strip() else {})


def of_place(place: words.Location, text: str) -> dict[str, str]:
    """The fields of a message that is a place: its name is the Body, which may not lack, the rest stands below it."""
    at = f"{place.latitude:.6f},{place.longitude:.6f}"
    name = next((said for said in (place.name, text, place.address) if said.strip()), at)
    label = " ".join(bodies.clean(place.address).split()) if place.address != name else ""
    return {"Body": bodies.clean(name), "PersistentAction": f"geo:{at}" + (f"|{label}" if label else "")}


def fetch(account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:
    """The file of an attachment, whose reference is an address below the account's. Our credentials go to that one
    only: not with the redirects to where the file is kept. Raises ProviderFailure."""
    calls, url = media.Download(), attachment.reference
    credentials = (account.credentials["account_sid"], account.credentials["auth_token"])
    answer = calls.get(url, twilio_api.account_url(account, settings), auth=credentials)
    for _ in range(media.HOPS):
        if not 300 <= answer.status < 400:
            break
        url = _joined(url, answer.headers.get("location", ""))
        answer = calls.get(url, media.origin(settings.twilio_api_base), *STORAGE)
    return media.fetched(answer, attachment)


def _joined(url: str, location: str) -> str:
    """Where a redirect leads; empty where that is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""
