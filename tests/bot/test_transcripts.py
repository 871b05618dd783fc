"""Whole conversations, from hello to the rating, exactly as a customer sees them (tests/bot/transcripts)."""

import pytest

from tests.bot import retell


@pytest.mark.parametrize("path", retell.files(), ids=lambda path: path.stem)
def test_a_conversation_goes_as_it_is_written_down(path):
    written = path.read_text("utf-8")
    assert retell.retold(written) == written


def test_the_shortest_delivery_takes_eight_messages_from_hello_to_its_number():
    text = (retell.FOLDER / "delivery_shortest_ar.txt").read_text("utf-8")
    assert text.endswith("messages of ours: 8\n")
    assert "استلمنا طلبكم رقم" in text
