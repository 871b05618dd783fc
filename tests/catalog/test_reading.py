"""Reading the platform's answers: each value that it may spell in its own way, and anything at all."""

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import sufrah
from wabot import errors, http, words
from wabot.catalog import ordering, reading, values
from wabot.words import AddOn, MenuItem


def item(digits: int = 2, **fields: Any) -> MenuItem:
    [found] = reading.items([sufrah.product("p", "طبق", "Dish", 10) | fields], digits)
    return found


@pytest.mark.parametrize(
    ("said", "digits", "minor"),
    [
        (12, 2, 1200), ("12", 2, 1200), ("12.5", 2, 1250), (12.1, 2, 1210), (0.29, 2, 29), (1.005, 2, 101),
        ("12,50", 2, 1250), ("1,234.50", 2, 123450), ("1,234", 2, 123400), (" 7 ", 2, 700), ("١٢٫٥", 2, 1250),
        ("0", 2, 0), ("1.2345", 3, 1235), ("100", 0, 100), ("99.5", 0, 100), ("1e2", 2, 10000),
    ],
)  # fmt: skip
def test_prices_become_whole_minor_units(said: Any, digits: int, minor: int) -> None:
    assert item(digits, price=said).price_minor == minor


@pytest.mark.parametrize(
    "said",
    ["abc", "-1", -0.01, "1.2.3", "NaN", "Infinity", float("inf"), "1e999999999", True, [], {}, "1_0", 10**30, None],
)
def test_a_product_without_a_sensible_price_is_left_out_and_the_others_stay(
    said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = sufrah.product("bad", "", "Secret dish", said), sufrah.product("good", "", "Good", 1)
    with caplog.at_level(logging.WARNING):
        assert [found.id for found in reading.items([bad, good], 2)] == ["good"]
    [record] = caplog.records
    assert (record.rows, record.read) == (2, 1)
    assert "Secret" not in str(vars(record))


@given(st.decimals(min_value=0, max_value=10**7, places=2))
def test_every_price_survives_as_a_number_and_as_text(price: Decimal) -> None:
    assert values.minor(str(price), 2) == values.minor(float(price), 2) == int(price * 100)


@pytest.mark.parametrize(
    ("price", "after", "charged"),
    [("20", 15, 1500), (20, "15.5", 1550), (20, None, 2000), (20, "", 2000), (20, 0, 2000), (20, 25, 2500),
     (None, 15, 1500), (None, 0, 0), (0, None, 0)],
)  # fmt: skip
def test_the_price_after_the_discount_is_charged_where_there_is_one(price: Any, after: Any, charged: int) -> None:
    assert item(price=price, priceAfter=after).price_minor == charged


def test_add_ons_cost_nothing_where_the_price_includes_them() -> None:
    extra = sufrah.add_on("a", "ثومية", "Garlic", "1.5")
    assert item(productAddons=[extra]).add_ons[0].price_minor == 150
    assert item(productAddons=[extra], isPriceIncludingAddons=True).add_ons[0].price_minor == 0


@pytest.mark.parametrize(
    ("least", "most", "bounds"),
    [(0, 3, (0, 3)), ("1", "2", (1, 2)), (None, None, (0, 1)), (2, 1, (2, 2)), (-4, 0, (0, 1)), (0, 10**9, (0, 99)),
     ("x", [], (0, 1))],
)  # fmt: skip
def test_how_often_an_add_on_can_be_had_makes_sense(least: Any, most: Any, bounds: tuple[int, int]) -> None:
    [found] = item(productAddons=[sufrah.add_on("a", "", "A", 1, least, most)]).add_ons
    assert (found.least, found.most) == bounds


def test_bad_parts_of_an_item_do_not_cost_it() -> None:
    found = item(
        productAddons=[None, {"id": "x"}, sufrah.add_on("a", "", "A", 1), sufrah.add_on("a", "", "again", 1)],
        options=["?", {"nameEn": "Empty"}, {"nameAr": "", "nameEn": "", "subOptions": [{"id": "s", "nameEn": "S"}, 7]}],
    )
    assert found.add_ons == (AddOn("a", {"en": "A"}, 100),)
    [option] = found.options
    assert option.name == {"ar": "طبق", "en": "Dish"}
    assert [(choice.id, choice.price_minor) for choice in option.choices] == [("s", 0)]


def test_what_can_be_had_in_no_way_is_not_on_the_menu() -> None:
    gone = sufrah.product("gone", "", "Gone", 1, **dict.fromkeys(reading.TYPES, False))
    assert reading.items([gone, sufrah.product("p", "", "P", 1)], 2)[0].id == "p"
    assert reading.items([gone], 2) == ()


@pytest.mark.parametrize("flag", [False, "false", "False", 0, "0"])
def test_a_way_that_is_switched_off_is_no_way(flag: Any) -> None:
    assert words.OrderType.CAR not in item(isAvailableToOrderFromCar=flag).types


def test_ids_are_text_whatever_they_are_and_the_first_of_each_counts() -> None:
    rows = [{"id": 7, "nameEn": "A"}, {"id": "7", "nameEn": "B"}, {"id": "not-a-uuid", "nameEn": "C"},
            {"id": "a|b", "nameEn": "D"}, {"id": "", "nameEn": "E"}, {"id": "x" * 101, "nameEn": "F"}]  # fmt: skip
    assert [(found.id, found.name["en"]) for found in reading.categories(rows)] == [("7", "A"), ("not-a-uuid", "C")]


def test_a_branch_is_called_as_its_city_where_it_has_no_name_and_nought_is_no_place() -> None:
    rows = [
        sufrah.branch("a", "", "", "0", "0"),
        sufrah.branch("b", "ب", "B", "91", "46"),
        sufrah.branch("c", "ج", "C", "24.7", None),
        sufrah.branch("d", "د", "D", " 24.5 ", 46.5),
    ]
    a, b, c, d = reading.branches(rows)
    assert a.name == {"ar": "الرياض", "en": "Riyadh"}
    assert [found.latitude for found in (a, b, c)] == [None] * 3
    assert (d.latitude, d.longitude) == (24.5, 46.5)


def test_text_that_neither_json_nor_the_file_can_carry_is_mended() -> None:
    [found] = reading.categories([{"id": "a", "nameEn": "x\ud800\x00y", "nameAr": " "}])
    assert found.name == {"en": "x\ufffd\ufffdy"}


@pytest.mark.parametrize("rows", [[{}], [None], ["x", 5], [{"error": "x"}]])
def test_a_list_in_which_nothing_makes_sense_is_no_empty_menu(rows: list[Any]) -> None:
    with pytest.raises(errors.Unreadable):
        reading.categories(rows)


def test_an_empty_list_is_an_empty_menu() -> None:
    assert reading.categories([]) == reading.branches([]) == reading.items([], 2) == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(), parts, max_size=4),
    max_leaves=8,
)
FIELDS = sorted({*sufrah.product("", "", "", 0), *sufrah.branch("", "", "", 0, 0), *sufrah.category("", "", ""),
                 *sufrah.add_on("", "", "", 0), *sufrah.option("", ""), "data", "orderNumber", "orderStatus",
                 "paymentStatus", "paymentLink", "branchId", "isAvailable", "available"})  # fmt: skip
rows_of_some_sort = st.recursive(
    anything,
    lambda parts: st.lists(st.dictionaries(st.sampled_from(FIELDS), parts, max_size=len(FIELDS)), max_size=3),
    max_leaves=20,
)
sensible = st.fixed_dictionaries(
    {"id": st.text(min_size=1) | st.integers(), "nameEn": st.text(), "price": anything},
    optional={field: anything for field in FIELDS if field not in ("id", "nameEn", "price")},
)
READERS: dict[str, Callable[[Any], Any]] = {
    "categories": reading.categories,
    "branches": reading.branches,
    "items": lambda said: reading.items(said, 2),
    "coverage": reading.coverage,
    "status": ordering.told,
}


@pytest.mark.parametrize("what", READERS)
@settings(max_examples=50)
@given(said=rows_of_some_sort | st.lists(sensible, max_size=3))
@example(said={"data": {"data": []}})
@example(said=[10**400])
def test_anything_is_read_or_unreadable(what: str, said: Any) -> None:
    try:
        found = READERS[what](said)
    except errors.Unreadable:
        return
    for one in found if isinstance(found, tuple) else ():
        assert one.id
        assert one.name
        assert all(text.encode() for text in one.name.values())
        if isinstance(one, MenuItem):
            assert 0 <= one.price_minor <= values.MOST_MINOR
            assert all(option.choices and option.name for option in one.options)
            assert all(0 <= extra.least <= extra.most and extra.price_minor >= 0 for extra in one.add_ons)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_hold_an_order_number_or_none(body: bytes) -> None:
    placed = ordering.placed(http.Answer(200, {}, body))
    assert placed is None or placed.order_number.isascii()
    assert placed is None or placed.order_number.isdecimal()
