"""Rate cards: what a file may say, what it is refused for, and which rate wins."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot import errors
from wabot.core import cards, demo_rates, money
from wabot.core.costing import Rates
from wabot.store import db, rates
from wabot.store.rates import Rate

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
HEAD = "category,country,from,currency,price,free_per_number_month\n"
GOOD = "utility,SA,2027-01-01,SAR,0.04,0\n"


def load(*lines: str, now: datetime = NOW, name: str = "card.csv") -> dict[str, object]:
    return cards.keep(HEAD + "".join(f"{line}\n" for line in lines), name, now)


def price(category: str, country: str, day: str) -> int | None:
    rate = Rates().on(category, country, date.fromisoformat(day))
    return rate.price_micros if rate else None


def counted() -> tuple[int, int]:
    """How many cards and rates count for something."""
    [(whole,)] = db.rows("SELECT count(*) FROM rate_card WHERE loaded_at IS NOT NULL")
    return whole, len(rates.all_rates())


def test_a_card_is_read_with_all_its_columns(file: Path) -> None:
    assert list(cards.read(HEAD + "Marketing-Lite,sa,2026-10-01,SAR,0.123456,1000\n")) == [
        Rate("marketing_lite", "SA", "2026-10-01", "SAR", 123456, 1000)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEAD + GOOD,
        (HEAD + GOOD).replace("\n", "\r\n"),
        "\n\n" + HEAD + "\n , ,\n" + GOOD + "\n\n",
        HEAD + '"utility","SA","2027-01-01","SAR","0.04","0"\n',
        HEAD + "utility , SA , 2027-01-01 , SAR , 0.040000000 , \n",
        "# of my contract, of 1 March\n" + HEAD + GOOD + "# the end\n",
        HEAD.upper() + GOOD.rstrip(),
        HEAD + GOOD + GOOD + "UTILITY,sa,2027-01-01,SAR,0.040,00\n",
    ],
    ids=["mark", "returns", "empty lines", "quoted", "blank", "remarks", "capitals", "doubled"],
)
def test_a_card_may_be_written_in_several_ways(file: Path, text: str) -> None:
    assert list(cards.read(text)) == [Rate("utility", "SA", "2027-01-01", "SAR", 40_000)]


@pytest.mark.parametrize("country", ["", "*"])
def test_no_country_is_any(file: Path, country: str) -> None:
    [rate] = cards.read(HEAD + f"ai_of_next_year,{country},2027-01-01,USD,0,\n")
    assert (rate.category, rate.country, rate.price_micros, rate.free) == ("ai_of_next_year", rates.ANY, 0, 0)


BAD = {
    "category": [" ", "=cmd()", "*", "a" * 61, "é"],
    "country": ["Saudi", "XX", "UK", "S", "966", "?"],
    "from": ["2026-13-01", "2027-02-29", "20270101", "01.03.2027", "2027-1-1", "", "yesterday", "1999-01-01"],
    "currency": ["", "sar", "SARS", "S1R", "$"],
    "price": ["-0.01", "NaN", "inf", "1e-3", "0.1234567", "1,5", "", "+1", ".5", "1.", "1" * 10, "٣", "0x1", "1_0"],
    "free_per_number_month": ["-1", "1.5", "1" * 10, "many", "1e3"],
}


@pytest.mark.parametrize(("column", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_row_refuses_the_whole_card_with_its_line(file: Path, column: str, value: str) -> None:
    cells = dict(zip(cards.COLUMNS, GOOD.strip().split(","), strict=True)) | {column: f'"{value}"'}
    with pytest.raises(errors.Refused, match=r"line 4: .*nothing was loaded") as refused:
        load("marketing,SA,2027-01-01,SAR,1,0", "", ",".join(cells.values()), "service,SA,2027-01-01,SAR,1,0")
    assert "\n" not in str(refused.value)
    assert counted() == (0, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: the first line is category,country"),
        (HEAD, "line 1: there is no rate"),
        (GOOD, "line 1: the first line is"),
        (HEAD.replace("from,currency", "currency,from") + GOOD, "line 1: the first line is"),
        (HEAD.replace(",", ";") + GOOD, "line 1: the first line is"),
        (HEAD + "utility,SA,2027-01-01,SAR,0.04\n", "line 2: it has 5 columns"),
        (HEAD + GOOD.strip() + ",7\n", "line 2: it has 7 columns"),
        (HEAD + GOOD + "utility,SA,2027-01-01,SAR,0.05,0\n", "line 3: it says something else than line 2"),
        (HEAD + GOOD + '"utility,SA', "line 3: unexpected end of data"),
        (HEAD + GOOD + "utility\x00,SA,2027-01-01,SAR,0.05,0\n", "line 3"),
        (HEAD + GOOD + "a" * 200_000, "line 3: field larger"),
    ],
)
def test_what_is_no_card_is_refused(file: Path, text: str, why: str) -> None:
    with pytest.raises(errors.Refused, match=why):
        cards.keep(text, "card.csv", NOW)
    assert counted() == (0, 0)


def test_a_file_that_is_missing_too_large_or_no_text_is_refused(file: Path, tmp_path: Path) -> None:
    latin, large = tmp_path / "latin.csv", tmp_path / "large.csv"
    latin.write_bytes((HEAD + "é").encode("latin-1"))
    with large.open("wb") as big:
        big.truncate(cards.LARGEST_BYTES + 1)
    for path, why in (
        (tmp_path / "none.csv", "No such file"),
        (tmp_path, "directory"),
        (latin, "UTF-8"),
        (large, "50"),
    ):
        with pytest.raises(errors.Refused, match=why):
            cards.load(path, NOW)
    assert counted() == (0, 0)


def test_a_large_card_is_loaded_in_many_short_writes(file: Path, tmp_path: Path) -> None:
    places = ["*", "SA", "AE", "EG", "GB"]
    days = [(date(2020, 1, 1) + timedelta(days=number)).isoformat() for number in range(200)]
    lines = [f"c{n},{place},{day},USD,0.0{n % 9},0" for n in range(100) for place in places for day in days]
    path = tmp_path / "large.csv"
    path.write_text(HEAD + "\n".join(lines))
    loaded = cards.load(path, NOW)
    assert (loaded["rates"], counted()[0]) == (100_000, 1)
    assert price("c99", "SA", "2021-01-01") == 0
    assert price("c98", "EG", "2020-01-05") == 80_000


def test_a_card_that_was_not_loaded_to_its_end_counts_for_nothing_and_is_dropped(file: Path) -> None:
    def half() -> None:
        card = rates.begin_card("half.csv", NOW - timedelta(hours=2))
        rates.add(card, [Rate("utility", "SA", "2027-01-01", "SAR", 1)])

    db.write(half)
    assert price("utility", "SA", "2027-03-01") is None
    assert rates.currencies() == frozenset()
    assert cards.shown(NOW.date(), everything=True) == []
    load("marketing,SA,2027-01-01,SAR,1,0")
    assert db.rows("SELECT file_name FROM rate_card") == [("card.csv",)]
    assert db.rows("SELECT category FROM rate") == [("marketing",)]


def test_the_newest_day_that_has_begun_wins_and_of_equal_ones_the_latest_loaded(file: Path) -> None:
    load("utility,SA,2027-01-01,SAR,1,0", "utility,SA,2027-03-01,SAR,3,0", "utility,*,2027-02-01,SAR,9,0")
    assert [price("utility", "SA", day) for day in ("2026-12-31", "2027-01-01", "2027-02-28", "2027-03-01")] == [
        None,
        1_000_000,
        1_000_000,
        3_000_000,
    ]
    load("utility,SA,2027-01-01,SAR,2,0", now=NOW + timedelta(days=1))
    assert price("utility", "SA", "2027-02-28") == 2_000_000
    assert price("utility", "SA", "2027-03-01") == 3_000_000


def test_a_rate_of_the_country_goes_before_one_of_any(file: Path) -> None:
    load("utility,*,2027-02-01,USD,9,0", "utility,SA,2027-01-01,SAR,1,0")
    assert price("utility", "SA", "2027-03-01") == 1_000_000
    assert price("utility", "EG", "2027-03-01") == 9_000_000
    assert price("utility", "", "2027-03-01") == 9_000_000
    assert price("utility", "EG", "2027-01-31") is None
    assert price("marketing", "SA", "2027-03-01") is None


def test_what_is_shown_is_in_effect_or_to_come_and_all_with_what_was_replaced(file: Path) -> None:
    load("utility,SA,2026-01-01,SAR,1,0", "utility,SA,2027-01-01,SAR,2,0", "utility,SA,2028-01-01,SAR,3,0")
    load("utility,SA,2028-01-01,SAR,4,0", name="next.csv", now=NOW + timedelta(days=1))
    shown = cards.shown(NOW.date(), everything=False)
    assert [(row["from"], row["price"], row["file"]) for row in shown] == [
        ("2028-01-01", 4, "next.csv"),
        ("2027-01-01", 2, "card.csv"),
    ]
    assert [row["price"] for row in cards.shown(NOW.date(), everything=True)] == [4, 3, 2, 1]


def test_the_example_says_that_its_prices_are_invented_and_is_loaded_once(file: Path) -> None:
    assert "invented" in demo_rates.EXAMPLE.splitlines()[0]
    demo_rates.ensure(NOW)
    demo_rates.ensure(NOW)
    assert counted()[0] == 1
    assert {row["file"] for row in cards.shown(NOW.date(), everything=True)} == {demo_rates.NAME}
    rate = Rates().on("service", "SA", date(2026, 10, 1))
    assert rate is not None
    assert (rate.free, price("service", "SA", "2026-09-30")) == (1000, 0)


@given(st.integers(0, 10**15 - 1))
def test_an_amount_is_shown_as_it_was_read(micros: int) -> None:
    assert money.parse(money.text(micros)) == micros
    shown = money.number(micros)
    assert round(shown * money.MICROS) == micros
    if micros < 10**9 and isinstance(shown, float) and "e" not in repr(shown):
        assert money.parse(repr(shown)) == micros


@pytest.mark.parametrize(
    ("micros", "number"), [(0, "0"), (10_000, "0.01"), (12_400_000, "12.4"), (500_000_000, "500"), (-1_500_000, "-1.5"),
                           (999_999_999_999_999, "999999999.999999")]
)  # fmt: skip
def test_a_json_number_reads_as_the_exact_decimal(micros: int, number: str) -> None:
    assert repr(money.number(micros)) == number
    assert money.text(micros) == number


def test_looking_up_a_rate_needs_no_scan(file: Path) -> None:
    plan = db.rows(
        "EXPLAIN QUERY PLAN SELECT * FROM rate r JOIN rate_card c ON c.id = r.card_id AND c.loaded_at IS NOT NULL "
        "WHERE r.category = ? AND r.country = ? ORDER BY r.from_day DESC, c.loaded_at DESC, r.card_id DESC", "a", "b"
    )  # fmt: skip
    assert "rate_key (category=? AND country=?)" in plan[0][3]
    assert not [row for row in plan if row[3].startswith("SCAN")]
