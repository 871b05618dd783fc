"""Prices as people write them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.menus import JPY, KWD, SAR
from wabot.catalog import menu_amounts
from wabot.catalog.menu_amounts import Currency, NoAmount


@pytest.mark.parametrize(
    ("said", "currency", "minor"),
    [
        ("14.50", SAR, 1450), ("14,50", SAR, 1450), ("14,5", SAR, 1450), ("14", SAR, 1400), ("14.500", SAR, 1450),
        ("١٤٫٥٠", SAR, 1450), ("۱۴٫۵", SAR, 1450), ("١٬٢٣٤٫٥٠", SAR, 123450), ("1,234.50", SAR, 123450),
        ("1.234,50", SAR, 123450), ("1,234", SAR, 123400), ("1 234,50", SAR, 123450), ("1\u00a0234.5", SAR, 123450),
        ("1.234.567", SAR, 123456700), ("SAR 14.50", SAR, 1450), ("14.50 ر.س", SAR, 1450), ("14 ﷼", SAR, 1400),
        ("\u200f14.50\u200f", SAR, 1450), ("SR14", SAR, 1400), ("1,234", KWD, 1234), ("1.234", KWD, 1234),
        ("1,234.500", KWD, 1234500), ("1,200", JPY, 1200), ("1200", JPY, 1200), ("0", SAR, 0), (0, SAR, 0),
        (14, SAR, 1400), (Decimal("14.5"), SAR, 1450), (" 7 ", SAR, 700), ("1'234.50", SAR, 123450),
    ],
)  # fmt: skip
def test_a_price_is_read_however_it_is_written(said: Any, currency: Currency, minor: int) -> None:
    assert menu_amounts.minor(said, currency) == minor


@pytest.mark.parametrize(
    ("said", "currency", "what"),
    [
        ("", SAR, "not a price"), ("free", SAR, "not a price"), ("14.50.1", SAR, "not a price"), (True, SAR, "not a"),
        ("-1", SAR, "below nothing"), ("−1", SAR, "below nothing"), (-1, SAR, "below nothing"), ([], SAR, "not a"),
        ("14.505", SAR, "finer than SAR"), ("14.5", JPY, "finer than JPY"), ("1,2345", SAR, "finer"),
        ("1e3", SAR, "not a price"), ("nan", SAR, "not a price"), (Decimal("nan"), SAR, "not a price"),
        (Decimal("inf"), SAR, "not a price"), (Decimal("1e999999"), SAR, "more than any"), (10**15, SAR, "more than"),
        ("999999999999", SAR, "more than any price"), (Decimal("1e-999999"), SAR, "finer"), ("12 apples", SAR, "not a"),
        ("9" * 5000, SAR, "not a price"), ("14 USD", SAR, "not a price"), ("²", SAR, "not a price"),
    ],
)  # fmt: skip
def test_what_is_no_price_is_said_with_what_to_do(said: Any, currency: Currency, what: str) -> None:
    with pytest.raises(NoAmount, match=what):
        menu_amounts.minor(said, currency)


@given(st.integers(0, menu_amounts.MOST_MINOR), st.sampled_from([SAR, KWD, JPY]))
def test_what_is_written_is_read_again(minor: int, currency: Currency) -> None:
    written = menu_amounts.major(minor, currency)
    assert menu_amounts.minor(written, currency) == menu_amounts.minor(str(written), currency) == minor


@given(st.text(max_size=12) | st.text("0123456789.,٫٬- ١٢", max_size=9))
def test_any_text_is_a_price_or_is_refused(said: str) -> None:
    try:
        found = menu_amounts.minor(said, SAR)
    except NoAmount:
        return
    assert 0 <= found <= menu_amounts.MOST_MINOR
