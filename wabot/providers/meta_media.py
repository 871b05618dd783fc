"""Files that customers sent to a number at Meta: a webhook names an id, the id an address that is good for five
minutes, and both are asked for with the token.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media/
(2026-06-16): ids of webhooks live for seven days; the address is at HOST in its example of an answer, and in those of
…/webhooks/reference/messages/image. As of November 2026 (facts/providers §2.7).
"""

import re
from urllib.parse import quote

from wabot import errors, words
from wabot.config import Settings
from wabot.providers import media, meta_graph
from wabot.providers.base import MAX_MEDIA_BYTES, Account, Fetched
from wabot.providers.bodies import word
from wabot.providers.meta_messages import MEDIA_ID

HOST = "https://lookaside.fbsbx.com/"
MOST_TOLD = 1 << 16
_NO_SUCH_OBJECT = "33"


def fetch(account: Account, attachment: words.Attachment, settings: Settings) -> Fetched:
    """The file of an attachment. Raises ProviderFailure."""
    if not MEDIA_ID.fullmatch(attachment.reference):
        raise media.failure(errors.PermanentFailure, "media_reference", "not an id of a file")
    calls, headers = media.Download(), meta_graph.bearer(account)
    places = (media.origin(settings.meta_graph_api), HOST)
    about = f"{settings.meta_graph_api}/{quote(attachment.reference, safe='')}"
    answer = calls.get(about, places[0], most_bytes=MOST_TOLD, headers=headers)
    said = meta_graph.told(answer)
    if meta_graph.failure(answer).code == _NO_SUCH_OBJECT:
        raise media.failure(errors.TemporaryFailure, "media_gone", "Meta has no such file")
    if answer.status != 200 or not word(said, "url"):
        raise media.refused(answer)
    size = word(said, "file_size")
    if re.fullmatch(r"[0-9]{1,18}", size) and int(size) > MAX_MEDIA_BYTES:
        raise media.too_large()
    file = calls.get(word(said, "url"), *places, headers=headers)
    return media.fetched(file, attachment, word(said, "mime_type"))
