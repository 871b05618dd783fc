import pytest

from wabot.bot import fitting


def test_what_fits_is_left_alone():
    assert fitting.cut("x" * 24, 24) == "x" * 24


def test_what_is_cut_ends_in_an_ellipsis_within_the_limit():
    assert fitting.cut("x" * 25, 24) == "x" * 23 + "…"
    assert fitting.cut("two words", 5) == "two…"


@pytest.mark.parametrize("whole", ["e\u0301", "شَّ", "👩\u200d🍳", "❤\ufe0f"])
def test_a_letter_is_never_cut_in_half(whole):
    for limit in range(4, 12):
        kept = fitting.cut("ab " + whole * 9, limit).removesuffix("…")
        assert kept.removeprefix("ab").strip().replace(whole, "") == ""


def test_a_name_that_is_one_endless_letter_is_cut_all_the_same():
    assert len(fitting.cut("e" + "\u0301" * 500, 24)) == 24


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_smallest_limits_hold(limit):
    assert len(fitting.cut("xyzzy", limit)) <= limit


def test_a_line_is_one_line_of_what_can_be_seen():
    assert fitting.line(" a\r\n\tb\u2028c\x00\ud800\u202ed ") == "a b c d"
    assert fitting.line("👩\u200d🍳 \U0001fae8 تُفّاح") == "👩\u200d🍳 \U0001fae8 تُفّاح"
    assert fitting.line("\u200f\u200b \n") == ""


def test_paragraphs_keep_their_breaks_but_no_empty_lines():
    assert fitting.paragraphs("one\r\n\n\n two \x00\nthree") == "one\ntwo\nthree"


def test_names_that_are_alike_once_cut_are_numbered():
    assert fitting.distinct(["chicken big", "chicken small", "chick (2)", "tea"], 8) == [
        "chicken…",
        "chi… (2)",
        "chick (…",
        "tea",
    ]
