"""In which country a customer is."""

import phonenumbers
import pytest

from wabot.store import countries


@pytest.mark.parametrize(
    ("address", "user_id", "country"),
    [
        ("+966511111111", "", "SA"),
        ("+966511111111", "EG.123", "SA"),
        ("+12025550123", "", "US"),
        ("+14165550123", "", "CA"),
        ("+447700900123", "", "GB"),
        ("+447781234567", "", "GG"),
        ("+77012345678", "", "KZ"),
        ("+79161234567", "", "RU"),
        ("SA.1234", "SA.1234", "SA"),
        ("", "EG.1", "EG"),
        ("+999123", "EG.1", "EG"),
        ("+80012345678", "", ""),
        ("ZZ.1", "ZZ.1", ""),
        ("SA", "", ""),
        ("+", "", ""),
        ("", "", ""),
        ("+1", "", ""),
    ],
)
def test_a_number_tells_before_a_business_scoped_id(address: str, user_id: str, country: str) -> None:
    assert countries.of(address, user_id) == country


@pytest.mark.parametrize("region", sorted(countries.KNOWN))
def test_the_number_of_every_country_is_where_the_plan_puts_it(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    example = example or phonenumbers.example_number(region)
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert countries.of(number, "") == phonenumbers.region_code_for_number(example)
