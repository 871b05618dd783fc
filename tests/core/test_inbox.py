"""From a webhook to rows: stored once, whatever is doubled, broken or killed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.core.conftest import PHONE, Stage
from wabot import clock, errors, words
from wabot.core import inbox
from wabot.store import db, webhooks
from wabot.store.customers import Conversation, Customer
from wabot.store.webhooks import Refusal, Webhook


def test_a_message_is_stored_with_its_customer_and_conversation(stage: Stage) -> None:
    message_id = stage.says("hello")
    stage.read()
    [message] = stage.in_()
    assert (message.body, message.kind, message.status) == ("hello", "text", words.Status.RECEIVED)
    assert message.provider_message_id == message_id
    assert (message.customer.address, message.customer.name) == (PHONE, "Sara")
    assert message.conversation.unread == 1
    assert Webhook.get().read_at is not None


def test_the_same_webhook_twice_is_one_row_and_one_answer(stage: Stage) -> None:
    item = stage.item("hello")
    for _ in range(3):
        assert stage.webhook(item).status_code == 200
        stage.answer()
    assert len(stage.in_()) == len(stage.out()) == 1
    assert (Webhook.get().duplicates, Webhook.select().count()) == (2, 1)
    assert Webhook.get().last_duplicate_at is not None


def test_the_same_message_in_two_different_bodies_is_stored_once(stage: Stage) -> None:
    item = stage.item("hello")
    stage.webhook(item)
    stage.webhook(item, stage.item("again"))
    stage.answer()
    assert [message.body for message in stage.in_()] == ["hello", "again"]
    assert Webhook.select().count() == 2


def test_837_copies_at_the_same_time_are_one_row(stage: Stage) -> None:
    item = stage.item("hello")
    body = json.dumps({"items": [item]}).encode()
    stage.webhook(item)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: stage.raw_webhook(body).status_code, range(836)))
    stage.answer()
    assert set(codes) == {200}
    assert len(stage.in_()) == 1
    assert Webhook.get().duplicates == 836


def test_ten_messages_of_a_new_customer_in_parallel_are_one_conversation(stage: Stage) -> None:
    items = [stage.item(f"picture {n}") for n in range(10)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda item: stage.webhook(item).status_code, items))
    stage.read()
    assert set(codes) == {200}
    assert len(stage.in_()) == 10
    assert (Customer.select().count(), Conversation.select().count()) == (1, 1)


def test_one_bad_item_of_a_batch_is_quarantined_and_the_others_live(stage: Stage) -> None:
    bad = {"type": "message", "from": {}}
    assert stage.webhook(stage.item("one"), bad, stage.item("two")).status_code == 200
    stage.read()
    assert [message.body for message in stage.in_()] == ["one", "two"]
    [row] = webhooks.quarantined()
    assert [problem["index"] for problem in row.problems] == [1]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"items": 7}', b"[" * 10000, b'{"items": [NaN]}', b'{"items": [1e999]}',
     b"\xff\xfe",
     b'{"items": null}', b'{"items": [null, [], 7, "x"]}', b'{"items": [{"type": "message", "id": 7, "from": 3}]}'],
)  # fmt: skip
def test_what_no_parser_understands_is_answered_200_and_quarantined(stage: Stage, body: bytes) -> None:
    assert stage.raw_webhook(body).status_code == 200
    stage.read()
    [row] = webhooks.quarantined()
    assert row.body == body
    assert row.reason
    assert stage.in_() == []


def test_nul_and_lone_surrogates_are_stored_mended(stage: Stage) -> None:
    body = json.dumps({"items": [stage.item("a\ud800b\x00c")]}).encode()
    assert stage.raw_webhook(body).status_code == 200
    stage.read()
    [message] = stage.in_()
    assert message.body == "a\ufffdb\ufffdc"


def test_a_quarantined_webhook_is_read_again_on_replay_and_stored_once(stage: Stage) -> None:
    stage.webhook(stage.item("one"), {"type": "nonsense"})
    stage.answer()
    [row] = webhooks.quarantined()
    inbox.replay(row.id)
    stage.answer()
    assert len(stage.in_()) == len(stage.out()) == 1


def test_a_webhook_whose_reader_died_is_read_alone_and_poison_after_three(stage: Stage) -> None:
    stage.says("killer")
    [row] = Webhook.select()
    for _ in range(3):
        assert db.write(lambda: webhooks.begin_reading(clock.now()))
        db.write(lambda: db.run("UPDATE webhook SET reader = '999999:1:' || substr(reader, instr(reader, ':') + 1)"))
        gone = "UPDATE webhook SET reader = ?"
        namespace = webhooks.workers.me().rpartition(":")[2]
        db.write(lambda gone=gone, namespace=namespace: db.run(gone, f"999999:1:{namespace}"))
        stage.keep_house()
    stage.read()
    row = Webhook.get_by_id(row.id)
    assert (row.verdict, row.reason) == (words.Verdict.QUARANTINED, "poison")


def test_a_webhook_that_is_being_read_by_a_living_process_is_left_to_it(stage: Stage) -> None:
    stage.says("hello")
    db.write(lambda: webhooks.begin_reading(clock.now()))
    stage.keep_house()
    assert not inbox.read_some()


def test_a_bad_signature_and_an_unknown_key_get_the_same_answer_and_store_no_body(stage: Stage) -> None:
    wrong = stage.webhook(stage.item(), secret="another")
    unknown = stage.client.post("/webhooks/" + "0" * 32, data=b"{}")
    assert (wrong.status_code, wrong.data) == (unknown.status_code, unknown.data) == (403, b"forbidden\n")
    assert Webhook.select().count() == 0
    assert {row.reason for row in Refusal.select()} == {"bad_signature", "unknown_key"}


def test_only_the_newest_thousand_refusals_are_kept(stage: Stage) -> None:
    def refuse_many() -> None:
        for _ in range(webhooks.REFUSALS_KEPT + 5):
            webhooks.refuse("sandbox", None, "bad_signature", 1, clock.now())

    db.write(refuse_many)
    assert Refusal.select().count() == webhooks.REFUSALS_KEPT


def test_a_customer_with_only_a_business_scoped_id_is_kept_and_answered(stage: Stage) -> None:
    item = stage.item("hello") | {"from": {"userId": "SA.1234"}}
    stage.webhook(item)
    stage.answer()
    stage.deliver()
    assert Customer.get().address == "SA.1234"
    assert stage.sent[0]["to"] == "SA.1234"


def test_the_window_follows_the_event_time_and_never_goes_back(stage: Stage) -> None:
    stage.says("new")
    stage.says("old", at="2026-01-01T00:00:00.000Z")
    stage.read()
    assert clock.now() - Conversation.get().last_in_at < timedelta(minutes=5)


def test_what_could_not_be_written_is_read_again_without_a_restart_and_is_no_suspect(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.says("hello")

    def full(*_: object, **__: object) -> None:
        raise errors.CannotWrite("no room")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_apply", full)
        broken.setattr(webhooks, "give_back", full)
        with pytest.raises(errors.CannotWrite):
            inbox.read_some()
    assert not inbox.read_some()
    stage.later(minutes=6)
    stage.keep_house()
    stage.read()
    assert [message.body for message in stage.in_()] == ["hello"]
    assert Webhook.get().read_attempts == 0


def test_a_file_that_is_full_for_long_makes_no_webhook_poison(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.says("hello")

    def full(*_: object, **__: object) -> None:
        raise errors.CannotWrite("no room")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_apply", full)
        for _ in range(5):
            with pytest.raises(errors.CannotWrite):
                inbox.read_some()
    stage.read()
    assert [message.body for message in stage.in_()] == ["hello"]
