"""In which country a customer is, as far as its names tell: the prefix of a business-scoped id, or the number."""

import re
from collections.abc import Mapping
from functools import lru_cache

import phonenumbers

UNKNOWN = ""
KNOWN = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""ISO 3166 codes of the countries that have numbers of their own."""
_SCOPED = re.compile(r"([A-Z]{2})\.")
_LONGEST_CODE = 3
_CODES: Mapping[str, tuple[str, ...]] = {
    str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
}


def of(address: str, user_id: str) -> str:
    """The country's ISO 3166 code of a customer who is written to at `address`; UNKNOWN where neither name tells."""
    return (_of_number(address) if address.startswith("+") else _of_scoped(address)) or _of_scoped(user_id)


def _of_scoped(user_id: str) -> str:
    """Business-scoped ids begin with the country's code (facts/providers §2.12)."""
    found = _SCOPED.match(user_id)
    return found[1] if found and found[1] in KNOWN else UNKNOWN


def _of_number(number: str) -> str:
    """Most calling codes are one country's alone; only a shared one costs reading the whole number."""
    for length in range(1, _LONGEST_CODE + 1):
        regions = _CODES.get(number[1 : 1 + length])
        if regions:
            found = regions[0] if len(regions) == 1 else _among(regions, number)
            return found if found in KNOWN else UNKNOWN
    return UNKNOWN


@lru_cache(maxsize=20_000)
def _among(regions: tuple[str, ...], number: str) -> str:
    """The first of the countries that share a code is the one that it was made for; numbers of no plan are its."""
    try:
        found = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return UNKNOWN
    return found or regions[0]
