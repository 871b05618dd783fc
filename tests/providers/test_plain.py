"""The plain text that stands in for kinds of messages that a vendor does not have."""

from typing import Any

import pytest

from wabot import words
from wabot.bot import understanding
from wabot.providers import plain
from wabot.words import Button, Draft, Kind, Location, Media, Row, Section, TemplateUse

BUTTONS = Draft(
    Kind.BUTTONS, "Choose", header="Menu", footer="Open till ten", buttons=(Button("a", "Falafel"), Button("b", "Tea"))
)
LIST = Draft(
    Kind.LIST,
    "Choose",
    button="Open",
    sections=(
        Section((Row("a", "Falafel", "six pieces"), Row("b", "Hummus")), "Food"),
        Section((Row("c", "Tea"),), "Drinks"),
    ),
)


def test_buttons_become_a_numbered_list_between_header_and_footer() -> None:
    assert plain.as_text(BUTTONS).text == "Menu\n\nChoose\n\n1. Falafel\n2. Tea\n\nOpen till ten"


def test_rows_are_numbered_over_all_sections_each_below_its_title() -> None:
    expected = "Choose\n\nFood\n1. Falafel — six pieces\n2. Hummus\n\nDrinks\n3. Tea"
    assert plain.as_text(LIST).text == expected


def test_a_section_without_rows_is_not_shown() -> None:
    draft = Draft(Kind.LIST, "Choose", sections=(Section((), "Nothing"), *LIST.sections))
    assert plain.as_text(draft) == plain.as_text(LIST)


def test_the_number_that_is_shown_is_the_one_that_is_understood() -> None:
    offered = tuple((row.id, row.title) for section in LIST.sections for row in section.rows)
    shown = plain.as_text(LIST).text
    for number, (id_, title) in enumerate(offered, 1):
        assert f"{number}. {title}" in shown
        assert next(understanding._offered(str(number), offered)) == id_


def test_stars_are_numbered_by_how_many_they_are_as_they_are_understood() -> None:
    rows = tuple(Row(f"rate:{n}:u", "⭐" * n, "Excellent" if n == 5 else "") for n in (5, 4, 3, 2, 1))
    text = plain.as_text(Draft(Kind.LIST, "How many?", sections=(Section(rows),))).text
    assert text == "How many?\n\n5. ⭐⭐⭐⭐⭐ — Excellent\n4. ⭐⭐⭐⭐\n3. ⭐⭐⭐\n2. ⭐⭐\n1. ⭐"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({"name": "Shop", "address": "Olaya St"}, "Shop\nOlaya St\nhttps://maps.google.com/?q=24.713600,46.675300"),
        ({}, "https://maps.google.com/?q=24.713600,46.675300"),
        ({"latitude": -1e-7, "longitude": 180.0}, "https://maps.google.com/?q=-0.000000,180.000000"),
    ],
)
def test_a_place_becomes_its_name_and_a_link_to_a_map(place: dict[str, Any], text: str) -> None:
    location = Location(**{"latitude": 24.7136, "longitude": 46.6753, **place})
    assert plain.as_text(Draft(Kind.LOCATION, location=location)).text == text


def test_a_file_becomes_its_link_below_its_caption() -> None:
    sticker = Draft(Kind.MEDIA, media=Media("sticker", url="https://a.example/s.webp"))
    assert plain.as_text(sticker).text == "https://a.example/s.webp"
    ours = Draft(Kind.MEDIA, "hi", media=Media("sticker", media_id=7))
    assert plain.as_text(ours, link="https://bot.example.com/media/k").text == "hi\n\nhttps://bot.example.com/media/k"


@pytest.mark.parametrize(
    "draft", [Draft(Kind.TEXT, " as it is "), Draft(Kind.TEMPLATE, template=TemplateUse("t"))], ids=["text", "template"]
)
def test_what_needs_no_stand_in_stays_as_it_is(draft: Draft) -> None:
    assert plain.as_text(draft) is draft


def test_why_it_is_sent_is_not_lost() -> None:
    draft = Draft(Kind.BUTTONS, "?", buttons=(Button("a", "A"),), purpose=words.Purpose.WELCOME, step="menu")
    sent = plain.as_text(draft)
    assert (sent.kind, sent.purpose, sent.step) == (Kind.TEXT, words.Purpose.WELCOME, "menu")


def test_values_come_by_number_then_by_name_and_on_one_line() -> None:
    variables = {"10": "j", "b": "named", "2": "tab\there", "1": "a" + " " * 9 + "b", "٣": "x"}
    assert plain.values(TemplateUse("t", variables=variables)) == ["a    b", "tab here", "j", "named", "x"]
