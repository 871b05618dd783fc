"""The text of a file that came from anybody's editor or spreadsheet."""

import codecs

from wabot.catalog.menu_notes import Broken

MOST_BYTES = 4 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def text(body: bytes) -> str:
    """The text, with line ends as they are. Raises Broken for what is too large or in an unknown encoding."""
    if len(body) > MOST_BYTES:
        raise Broken("the file", f"has more than {MOST_BYTES >> 20} MB: no menu has")
    encoding = next((name for mark, name in _MARKS if body.startswith(mark)), "utf-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        what = "is not UTF-8: save it again as UTF-8 (in a spreadsheet: CSV UTF-8)"
        raise Broken("the file", what) from error
