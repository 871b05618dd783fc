"""How people write numbers, and what is meant. Identifiers that a provider gave are never rewritten."""

import re

import phonenumbers

from wabot import errors, words


def business(number: str) -> str:
    """A business number as `+digits`. Raises Refused."""
    compact = re.sub(r"[\s().-]", "", number)
    if not re.fullmatch(r"\+?[0-9]{5,15}", compact):
        raise errors.Refused("invalid_number", f"{number!r} is not a number such as +966500000000")
    return "+" + compact.lstrip("+")


def customer(to: str, business_number: str) -> words.Identity:
    """Who is meant by a number in any usual spelling, read in the country of
    `business_number` when it names none, or by a business-scoped id. Raises Refused (`invalid_number`)."""
    if re.fullmatch(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}", to.strip()):
        return words.Identity(user_id=to.strip())
    try:
        country = phonenumbers.region_code_for_number(phonenumbers.parse(business_number))
        number = phonenumbers.parse(to, country)
    except phonenumbers.NumberParseException as error:
        raise errors.Refused("invalid_number", "not a phone number") from error
    if not phonenumbers.is_possible_number(number):
        raise errors.Refused("invalid_number", "no phone number has this form")
    return words.Identity(phone=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
