"""Rows 3, 8 to 11, 13 to 18 and 22 to 28 of faults part A: what a fault of a webhook ends in. ROWS says which test
proves which row; some stand in other files."""

import itertools
import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import Shell, logging_of_the_test
from tests.core.conftest import PHONE, Stage
from tests.core.test_delivery import one, queue
from tests.core.test_elsewhere import APP_SECRET, CUSTOMER, NUMBER_ID, SEND_URL, Business, add_meta, business, change
from tests.core.test_elsewhere import echo as echoed
from tests.core.test_outbound_faults import not_there
from tests.fakes import meta
from tests.providers import payloads
from wabot import clock, config, errors, words
from wabot.core import sending, tenancy
from wabot.providers import meta_webhooks
from wabot.store import consent, db, tenants, webhooks
from wabot.store.customers import Conversation, Customer
from wabot.store.messages import Message
from wabot.store.tenants import Channel
from wabot.store.webhooks import Webhook
from wabot.words import Status

__all__ = ["business", "logging_of_the_test"]

HERE = "tests/core/test_inbound_faults.py"
INBOX, RECEIPTS, CUSTOMERS = (f"tests/core/test_{name}.py" for name in ("inbox", "receipts", "customers"))
ANSWERING, ELSEWHERE, MEDIA = (f"tests/core/test_{name}.py" for name in ("answering", "elsewhere", "media"))
CONTRACT, META = "tests/providers/test_contract.py", "tests/providers/test_meta.py"

ROWS: dict[int, tuple[str, ...]] = {
    3: (
        f"{HERE}::test_one_provider_s_id_under_two_tenants_and_two_channels_is_a_message_of_each",
        f"{ELSEWHERE}::test_another_tenant_s_number_has_messages_of_its_own",
    ),
    8: (
        f"{HERE}::test_a_bad_third_message_of_a_batch_is_quarantined_with_its_place_and_all_others_are_stored_in_order",
        f"{HERE}::test_after_a_fix_a_replay_from_the_command_line_stores_what_was_bad_once",
        f"{CONTRACT}::test_what_a_vendor_sent_reads_as_its_file_says",
    ),
    9: (
        f"{HERE}::test_signed_junk_is_answered_200_and_kept_raw_in_quarantine",
        f"{HERE}::test_signed_junk_that_names_nobody_is_answered_200_and_kept_raw_as_unrouted",
        f"{HERE}::test_of_a_key_that_comes_twice_the_last_one_counts_and_a_nul_is_mended",
        f"{INBOX}::test_what_no_parser_understands_is_answered_200_and_quarantined",
        f"{INBOX}::test_nul_and_lone_surrogates_are_stored_mended",
    ),
    10: (
        f"{HERE}::test_what_is_new_to_us_is_stored_with_all_that_came_and_shown",
        f"{META}::test_a_field_that_nobody_knows_is_a_notice_without_words",
    ),
    11: (f"{HERE}::test_three_megabytes_with_a_thousand_statuses_are_taken_and_others_get_in_meanwhile",),
    13: (
        f"{HERE}::test_a_status_that_beats_our_commit_waits_for_it_and_one_of_nobody_s_is_dropped_after_a_day",
        f"{RECEIPTS}::test_a_receipt_that_beats_our_own_commit_is_parked_and_applied_later",
    ),
    14: (
        f"{HERE}::test_statuses_in_any_order_never_go_back_and_each_step_keeps_its_own_time",
        f"{RECEIPTS}::test_in_any_order_the_highest_status_stays_and_each_step_has_its_time",
    ),
    15: (f"{HERE}::test_a_read_without_a_delivered_is_read_and_was_delivered_then",),
    16: (
        f"{HERE}::test_failed_and_then_delivered_ends_delivered_with_both_in_its_history_and_no_second_send",
        f"{RECEIPTS}::test_failed_then_delivered_ends_delivered_and_is_not_sent_again",
    ),
    17: (f"{HERE}::test_of_two_statuses_at_the_same_time_the_higher_wins_whoever_commits_first",),
    18: (
        f"{HERE}::test_a_status_of_more_than_thirty_days_ago_changes_nothing",
        f"{HERE}::test_a_status_for_a_customer_who_was_erased_changes_nothing",
    ),
    22: (
        f"{INBOX}::test_a_customer_with_only_a_business_scoped_id_is_kept_and_answered",
        f"{CUSTOMERS}::test_a_number_and_an_id_that_come_together_make_one_customer_with_all_history",
        f"{CUSTOMERS}::test_what_waits_in_both_conversations_is_sent_once_and_in_order",
    ),
    23: (
        f"{HERE}::test_a_new_number_of_the_same_person_inherits_no_consent_and_the_old_one_keeps_its_opt_out",
        f"{HERE}::test_an_opt_out_stands_for_whoever_comes_back_under_one_of_the_names",
    ),
    24: (
        f"{HERE}::test_a_message_three_days_late_has_both_times_opens_no_window_and_is_not_answered",
        f"{HERE}::test_a_message_from_ten_minutes_ahead_is_answered_and_its_window_is_from_its_own_time",
        f"{ANSWERING}::test_a_stale_message_is_left_to_a_person",
        f"{INBOX}::test_the_window_follows_the_event_time_and_never_goes_back",
    ),
    25: (
        f"{MEDIA}::test_the_message_is_there_before_its_file",
        f"{MEDIA}::test_a_file_is_tried_three_times_after_5_and_15_seconds_and_then_given_up",
        f"{MEDIA}::test_the_largest_file_is_kept_and_a_larger_one_given_up_at_once",
        f"{MEDIA}::test_what_may_pass_is_tried_again",
        f"{MEDIA}::test_a_network_that_fails_is_tried_again",
        f"{MEDIA}::test_a_type_that_the_provider_does_not_tell_is_the_one_of_the_message",
        "tests/providers/test_meta_media.py::test_an_id_that_expired_is_gone",
        "tests/providers/test_meta_media.py::test_a_file_that_drips_is_broken_off",
        "tests/web/test_media_api.py::test_a_file_that_was_given_up_says_why",
    ),
    26: (
        f"{HERE}::test_a_handshake_is_answered_as_plain_text_for_the_right_token_alone",
        f"{META}::test_any_other_handshake_is_not_answered",
        "tests/spine/test_meta.py::test_a_handshake_needs_a_token_of_ours",
    ),
    27: (
        f"{HERE}::test_a_provider_that_signs_nothing_gets_in_by_the_channel_s_secret_address_alone",
        f"{HERE}::test_with_an_agreed_header_the_address_alone_is_not_enough",
    ),
    28: (f"{HERE}::test_what_is_no_customer_s_message_starts_no_bot",),
}
"""Each row's number, and the tests that prove its outcome."""


def test_every_row_has_tests_and_they_exist() -> None:
    assert sorted(ROWS) == [3, *range(8, 12), *range(13, 19), *range(22, 29)]
    assert all(ROWS.values())
    assert not_there(ROWS) == []


def counted(verdict: str) -> int:
    rows = db.rows("SELECT labels, value FROM tally WHERE name = 'webhooks'")
    return sum(value for labels, value in rows if json.loads(labels)["verdict"] == verdict)


# --- what came is kept --------------------------------------------------------------------------------


def test_one_provider_s_id_under_two_tenants_and_two_channels_is_a_message_of_each(
    stage: Stage, make_channel: Callable[..., Channel]
) -> None:
    """Faults row 3: the key is the channel's, so two tenants have two rows, and a repetition at one adds none."""
    luma, own = make_channel("luma", "+447700900001"), {"secret": "s" * 32, "api_base": "http://provider.test"}
    sibling = tenancy.add_channel("bait", "sandbox", "+966500000002", own)
    item = stage.item("hello")
    for channel in (stage.channel, luma, sibling, luma):
        assert stage.webhook(item, channel=channel).status_code == 200
        assert stage.webhook(item, stage.item("more"), channel=channel).status_code == 200
    stage.answer()
    same = [message for message in stage.in_() if message.provider_message_id == item["id"]]
    assert sorted((message.tenant.slug, message.channel_id) for message in same) == [
        ("bait", stage.channel.id), ("bait", sibling.id), ("luma", luma.id)]  # fmt: skip


def text(n: int, **other: Any) -> dict[str, Any]:
    """The n-th message of a customer, as Meta words it."""
    said = other if "type" in other else {"type": "text", "text": {"body": f"number {n}"}, **other}
    return {"from": CUSTOMER, "id": f"wamid.in.{n}", "timestamp": str(int(clock.now().timestamp())), **said}


def entries(*changes: list[dict[str, Any]]) -> bytes:
    """A body with an entry for each list of changes."""
    listed = [{"id": "102290129340398", "changes": each} for each in changes]
    return json.dumps({"object": "whatsapp_business_account", "entry": listed}).encode()


BAD: dict[str, Any] = {
    "missing id": {"from": CUSTOMER, "type": "text", "text": {"body": "x"}, "timestamp": "1795167000"},
    "wrong type": {"from": CUSTOMER, "id": "wamid.x", "type": "text", "text": 7, "timestamp": "1795167000"},
    "null": None,
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_third_message_of_a_batch_is_quarantined_with_its_place_and_all_others_are_stored_in_order(
    business: Business, what: str
) -> None:
    """Faults row 8: entries, changes, messages and statuses in one body: the bad one is in quarantine with its
    index and reason, the others live, in order; 200, and counted once."""
    business.stage.provider.add("POST", SEND_URL, json={"messages": [{"id": "wamid.ours"}]})
    business.hears("hello", 99)
    sending.reply(business.channel.tenant_id, Conversation.get().id, words.Draft(words.Kind.TEXT, "hi"))
    business.stage.deliver()
    before, status = counted("quarantined"), {"id": "wamid.ours", "status": "delivered", "recipient_id": CUSTOMER}
    body = entries(
        [change("messages", messages=[text(1), text(2), BAD[what], text(4)]), change("messages", messages=[text(5)])],
        [change("messages", statuses=[{**status, "timestamp": str(int(clock.now().timestamp()))}], messages=[text(6)])],
    )
    assert business.posted(body) == 200
    assert [message.body for message in business.stage.in_()[1:]] == [f"number {n}" for n in (1, 2, 4, 5, 6)]
    assert one(business.stage).status is Status.DELIVERED
    [row] = webhooks.quarantined()
    [problem] = row.problems
    assert (problem["index"], bool(problem["reason"]), row.reason) == (2, True, problem["reason"])
    assert (row.body, counted("quarantined")) == (body, before + 1)


def test_after_a_fix_a_replay_from_the_command_line_stores_what_was_bad_once(
    business: Business, settings_env: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults row 8: a reader of ours with a bug costs a replay, and not a message; nothing is stored twice."""
    name, genuine = meta_webhooks._LISTS["messages"]

    def buggy(message: Mapping[str, Any], beside: Any) -> words.Incoming:
        if message["id"] == "wamid.in.2":
            raise errors.Unreadable("a bug of ours")
        return genuine(message, beside)

    with monkeypatch.context() as release:
        release.setitem(meta_webhooks._LISTS, "messages", (name, buggy))  # type: ignore[arg-type]
        business.told(change("messages", messages=[text(1), text(2), text(3)]))
        business.stage.answer()
    assert [message.body for message in business.stage.in_()] == ["number 1", "number 3"]
    [row] = webhooks.quarantined()
    for _ in range(2):
        Shell(settings_env).ok("webhook", "replay", str(row.id))
        business.stage.answer()
    assert [message.body for message in business.stage.in_()] == ["number 1", "number 3", "number 2"]
    assert webhooks.quarantined() == []
    answers = [message.idempotency_key for message in business.stage.out()]
    assert len(answers) == len(set(answers)) == 3


JUNK = [
    b"hello", b"[]", b"null", b'"x"', b"7", b"true", b"", b"[" * 10_000, b'{"a":' * 10_000,
    b'{"items": [NaN], "entry": NaN}', b'{"items": Infinity, "entry": 1e999}', b'{"items": -1e400}', b"\xff\xfe{}",
    b'{"items": 1, "items": 7, "entry": 1, "entry": 7}', b"\x00", b'{"items": "\\ud800", "entry": "\\u0000"}',
]  # fmt: skip


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("provider", ["sandbox", "meta"])
def test_signed_junk_is_answered_200_and_kept_raw_in_quarantine(business: Business, provider: str, body: bytes) -> None:
    """Faults row 9: with a valid signature nothing is a 500 or a 4xx, which would be repeated for days."""
    if provider == "sandbox":
        assert business.stage.raw_webhook(body).status_code == 200
        business.stage.read()
    else:
        assert business.posted(body, path=f"/webhooks/{business.channel.key}") == 200
    [row] = webhooks.quarantined()
    assert (row.body, bool(row.reason), row.reading) == (body, True, words.Reading.DONE)
    assert (business.stage.in_(), counted("quarantined")) == ([], 1)


@pytest.mark.parametrize("body", JUNK, ids=range(len(JUNK)))
def test_signed_junk_that_names_nobody_is_answered_200_and_kept_raw_as_unrouted(
    business: Business, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """Faults row 9: on the shared route nobody can say whose it is; it is kept all the same."""
    monkeypatch.setenv("META_APP_SECRET", APP_SECRET)
    config.settings.cache_clear()
    assert business.posted(body) == 200
    [row] = Webhook.select()
    assert (row.body, row.verdict, bool(row.reason)) == (body, words.Verdict.UNROUTED, True)


def test_of_a_key_that_comes_twice_the_last_one_counts_and_a_nul_is_mended(stage: Stage) -> None:
    """Faults row 9: what Python's JSON lets through is normal before it is stored."""
    item = json.dumps(stage.item("last\x00")).encode()
    assert (
        stage.raw_webhook(b'{"items": [], "items": [' + item[:-1] + b', "name": "A", "name": "B"}]}').status_code == 200
    )
    stage.read()
    [message] = stage.in_()
    assert (message.body, message.customer.name) == ("last\ufffd", "B")


def test_what_is_new_to_us_is_stored_with_all_that_came_and_shown(business: Business) -> None:
    """Faults row 10: an unknown type is stored as it came and shown in the inbox; an unknown field, an unknown status
    and extra keys cost nobody anything; all of it is 200."""
    hologram = text(1, type="hologram", hologram={"id": 7, "deep": {"er": ["x"]}}, sparkles=True)
    assert business.told(change("messages", messages=[hologram], surprise={"a": 1})) == 200
    assert business.told(change("brand_new_field", whatever=[1])) == 200
    assert business.told(change("messages", messages=[text(2, sparkles={"many": 1})])) == 200
    status = {"id": "wamid.ours", "status": "teleported", "timestamp": "1795167000", "recipient_id": CUSTOMER}
    assert business.told(change("messages", statuses=[status], messages=[text(3)])) == 200
    business.stage.answer()
    assert [message.body for message in business.stage.in_()] == ["", "number 2", "number 3"]
    _, token = tenancy.create_token("bait", read_only=True, name="x", days=None)
    headers = {"Authorization": f"Bearer {token}", "X-Restaurant-Id": "bait"}
    path = f"/api/restaurants/bait/conversations/{Conversation.get().id}/messages"
    shown = business.stage.client.get(path, headers=headers).json["data"]
    [unknown] = [row for row in shown if row["kind"] == "hologram"]
    assert unknown["payload"] == {"hologram": {"id": 7, "deep": {"er": ["x"]}}, "sparkles": True}
    assert [row.reason for row in webhooks.quarantined()] == ["the status 'teleported' is unknown"]


def test_three_megabytes_with_a_thousand_statuses_are_taken_and_others_get_in_meanwhile(business: Business) -> None:
    """Faults row 11: 200 within the provider's budget; while it is read, other webhooks are written down within theirs
    (after which they would get 503), and every status counts."""
    stage = business.stage
    business.hears()
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL"))
    draft, made = words.Draft(words.Kind.TEXT, "hi"), itertools.count(1)
    stage.provider.add_callback(
        "POST", SEND_URL, callback=lambda _: (200, {}, json.dumps({"messages": [{"id": f"wamid.{next(made)}"}]}))
    )
    for _ in range(200):
        sending.reply(business.channel.tenant_id, Conversation.get().id, draft)
    assert stage.deliver() == 200
    told = [{"id": f"wamid.{n}", "status": "delivered", "timestamp": str(int(clock.now().timestamp())),
             "recipient_id": CUSTOMER, "pricing": {"padding": "x" * 2850}} for n in range(1, 1001)]  # fmt: skip
    body = meta.batch(change("messages", statuses=told))
    assert 2_900_000 < len(body) < 3 << 20
    headers = {"X-Hub-Signature-256": meta.sign(body, APP_SECRET), "Content-Type": "application/json"}
    assert stage.client.post("/whatsapp/webhook", data=body, headers=headers).status_code == 200
    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(stage.read)
        codes = [stage.webhook(stage.item(f"meanwhile {n}")).status_code for n in range(50)]
        reading.result()
    stage.read()
    assert codes == [200] * 50
    assert {row.status for row in stage.out()} == {Status.DELIVERED}
    assert db.one("SELECT count(*) FROM parked") == (800,)
    assert Message.select().where(Message.body.startswith("meanwhile")).count() == 50


# --- statuses ------------------------------------------------------------------------------------------


def sent(stage: Stage) -> str:
    """A message that was accepted; its reference."""
    queue(stage, "hi")
    stage.deliver()
    return f"{one(stage).uid}.1"


def tell(stage: Stage, status: str, reference: str, **values: Any) -> None:
    """A status at a time of its own."""
    item = {"type": "status", "id": "sbx.1", "status": status, "reference": reference, **values}
    assert stage.webhook({"at": clock.iso(clock.now()), **item}).status_code == 200
    stage.read()


def test_a_status_that_beats_our_commit_waits_for_it_and_one_of_nobody_s_is_dropped_after_a_day(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Faults row 13: 200, parked, applied when its id appears; after 24 hours discarded with a line in the log."""
    queue(stage, "hi")
    tell(stage, "delivered", "")
    tell(stage, "delivered", "", id="sbx.foreign")
    assert (one(stage).status, db.one("SELECT count(*) FROM parked")) == (Status.QUEUED, (2,))
    stage.deliver()
    assert (one(stage).status, db.one("SELECT count(*) FROM parked")) == (Status.DELIVERED, (1,))
    stage.later(hours=23, minutes=59)
    stage.keep_house()
    assert db.one("SELECT count(*) FROM parked") == (1,)
    dropped = "receipts for messages we never sent were dropped"
    assert dropped not in [record.getMessage() for record in caplog.records]
    stage.later(minutes=2)
    stage.keep_house()
    assert db.one("SELECT count(*) FROM parked") == (0,)
    [line] = [record for record in caplog.records if record.getMessage() == dropped]
    assert (line.levelno, line.__dict__["count"]) == (logging.WARNING, 1)


STEPS = ("sent", "delivered", "read")


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)), ids=" ".join)
def test_statuses_in_any_order_never_go_back_and_each_step_keeps_its_own_time(
    stage: Stage, order: tuple[str, ...]
) -> None:
    """Faults row 14: once read it stays read, and when each step happened is recorded all the same: by the first that
    told of it, because what is read was delivered."""
    reference, now = sent(stage), clock.now()
    at = {status: now + timedelta(seconds=n) for n, status in enumerate(STEPS, start=1)}
    ranks = []
    for status in (*order, *order):
        tell(stage, status, reference, at=clock.iso(at[status]))
        ranks.append(stage.attempts()[0].rank)
    message = one(stage)
    assert (message.status, ranks) == (Status.READ, sorted(ranks))
    first_of_delivered = next(status for status in order if status != "sent")
    assert (message.delivered_at, message.read_at) == (at[first_of_delivered], at["read"])
    assert message.sent_at <= at["sent"]


def test_a_read_without_a_delivered_is_read_and_was_delivered_then(stage: Stage) -> None:
    """Faults row 15: Meta skips the delivered by design."""
    reference, at = sent(stage), clock.now() + timedelta(seconds=5)
    tell(stage, "read", reference, at=clock.iso(at))
    message = one(stage)
    assert (message.status, message.read_at, message.delivered_at) == (Status.READ, at, at)


@pytest.mark.parametrize("code", ["temporary", "permanent"])
def test_failed_and_then_delivered_ends_delivered_with_both_in_its_history_and_no_second_send(
    stage: Stage, code: str
) -> None:
    """Faults row 16: a customer with several devices."""
    reference = sent(stage)
    tell(stage, "failed", reference, error={"code": code, "message": "as told"})
    assert one(stage).status is (Status.QUEUED if code == "temporary" else Status.FAILED)
    tell(stage, "delivered", reference)
    message, [attempt] = one(stage), stage.attempts()
    assert (message.status, message.error_code, bool(message.critical)) == (Status.DELIVERED, "", False)
    assert (attempt.status, attempt.error_code, attempt.error_message) == (Status.DELIVERED, code, "as told")
    told = [json.loads(row.body)["items"][0].get("status") for row in Webhook.select().order_by(Webhook.id)]
    assert told[-2:] == ["failed", "delivered"]
    stage.later(minutes=10)
    stage.keep_house()
    assert (stage.deliver(), len(stage.sent)) == (0, 1)


def test_of_two_statuses_at_the_same_time_the_higher_wins_whoever_commits_first(stage: Stage) -> None:
    """Faults row 17: two readers with a status each, at the same instant, many times over."""
    for n in range(1, 25):
        queue(stage, f"{n}", phone=f"+9665000000{n:02}")
    stage.deliver()
    for n, message in enumerate(stage.out(), start=1):
        barrier = threading.Barrier(2)

        def told(status: str, message: Message = message, n: int = n, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(30)
            tell(stage, status, f"{message.uid}.1", id=f"sbx.{n}")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(told, ["read", "delivered"] if n % 2 else ["delivered", "read"]))
    assert {row.status for row in stage.out()} == {Status.READ}
    assert {row.rank for row in stage.attempts()} == {words.Progress.READ}


@pytest.mark.parametrize("days", [29, 31])
@pytest.mark.parametrize("status", ["read", "failed"])
def test_a_status_of_more_than_thirty_days_ago_changes_nothing(stage: Stage, days: int, status: str) -> None:
    """Faults row 18: 200, counted with the webhooks, and ignored; a day less than that it counts."""
    reference, before = sent(stage), counted("accepted")
    values = {"error": {"code": "permanent", "message": "as told"}} if status == "failed" else {}
    tell(stage, status, reference, at=clock.iso(clock.now() - timedelta(days=days)), **values)
    tell(stage, status, "", id="sbx.foreign", at=clock.iso(clock.now() - timedelta(days=days)))
    assert one(stage).status is (Status(status) if days == 29 else Status.SENT)
    assert db.one("SELECT count(*) FROM parked") == (1 if days == 29 else 0,)
    assert counted("accepted") == before + 2
    assert webhooks.quarantined() == []


def test_a_status_for_a_customer_who_was_erased_changes_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Faults row 18: nobody comes back to life by it; it is counted when it is dropped."""
    reference = sent(stage)
    erase_customers()
    tell(stage, "delivered", reference)
    tell(stage, "failed", reference, error={"code": "temporary", "message": "as told"})
    assert (stage.out(), Customer.select().count(), stage.deliver()) == ([], 0, 0)
    assert webhooks.quarantined() == []
    stage.later(hours=25)
    stage.keep_house()
    assert db.one("SELECT count(*) FROM parked") == (0,)
    assert [record.__dict__["count"] for record in caplog.records if "dropped" in record.getMessage()] == [2]


# --- who, and when -------------------------------------------------------------------------------------

NEW_NUMBER = "966522222222"


def test_a_new_number_of_the_same_person_inherits_no_consent_and_the_old_one_keeps_its_opt_out(
    business: Business,
) -> None:
    """Faults row 23: neither the wish nor the window goes over to the new number by itself; it is written to when it
    has written, and the old number is left alone."""
    business.hears("hello", 1)
    business.hears("stop", 2)
    system = {"body": f"User changed from {CUSTOMER} to {NEW_NUMBER}", "wa_id": NEW_NUMBER,
              "type": "user_changed_number"}  # fmt: skip
    business.told(change("messages", messages=[text(3, type="system", system=system)]))
    draft = words.Draft(words.Kind.TEXT, "hi")
    for number, code in ((CUSTOMER, "opted_out"), (NEW_NUMBER, "window_closed")):
        with pytest.raises(errors.Refused) as refusal:
            sending.send("bait", f"+{number}", draft)
        assert refusal.value.code == code
    business.told(change("messages", messages=[text(4, **{"from": NEW_NUMBER})]))
    assert sending.send("bait", f"+{NEW_NUMBER}", draft).customer.address == f"+{NEW_NUMBER}"
    old, new = Customer.select().order_by(Customer.id)
    assert (consent.has_opted_out(old.id), consent.has_opted_out(new.id)) == (True, False)


@pytest.mark.parametrize("forgotten", [False, True], ids=["known", "erased meanwhile"])
@pytest.mark.parametrize(
    "comes_back", [{"phone": PHONE}, {"userId": "SA.77"}, {"userId": "SA.77", "phone": "+966522222222"}]
)
def test_an_opt_out_stands_for_whoever_comes_back_under_one_of_the_names(
    stage: Stage, comes_back: dict[str, str], forgotten: bool
) -> None:
    """Faults row 23: who is known by a number and an id is left alone under both, and with a new number beside; also
    when nothing but the wish itself was kept."""
    both = {"phone": PHONE, "userId": "SA.77"}
    stage.says("hello", **{"from": both})
    stage.says("stop", **{"from": both})
    stage.read()
    if forgotten:
        erase_customers()
    stage.says("where is my order?", **{"from": comes_back})
    stage.answer()
    assert stage.deliver() == 0
    assert consent.has_opted_out(stage.in_()[-1].customer_id)
    assert stage.in_()[-1].for_person == "opted_out"


def erase_customers() -> None:
    tables = ("attempt", "message", "conversation", "alias", "customer")
    db.write(lambda: [db.run(f"DELETE FROM {table}") for table in tables])


def test_a_message_three_days_late_has_both_times_opens_no_window_and_is_not_answered(stage: Stage) -> None:
    """Faults row 24: a provider that catches up."""
    at = clock.now() - timedelta(days=3)
    stage.says("hello", at=clock.iso(at))
    stage.answer()
    [message], conversation = stage.in_(), Conversation.get()
    assert (message.event_at, conversation.last_in_at) == (at, at)
    assert clock.now() - message.created_at < timedelta(minutes=5)
    assert (message.for_person, message.answer_due_at, stage.out()) == ("stale", None, [])
    with pytest.raises(errors.Refused) as refusal:
        sending.send("bait", PHONE, words.Draft(words.Kind.TEXT, "hi"))
    assert refusal.value.code == "window_closed"


def test_a_message_from_ten_minutes_ahead_is_answered_and_its_window_is_from_its_own_time(stage: Stage) -> None:
    """Faults row 24: a clock that is ahead."""
    at = clock.now() + timedelta(minutes=10)
    stage.says("hello", at=clock.iso(at))
    stage.answer()
    [message] = stage.in_()
    assert (message.event_at, Conversation.get().last_in_at) == (at, at)
    assert message.created_at < at
    assert stage.deliver() == 1
    for offset, is_open in ((-1, True), (1, False)):
        stage.clock_file.write_text(str((at - clock.now()).total_seconds() + 86400 + offset + offset_now(stage)))
        assert can_write_freely() is is_open


def offset_now(stage: Stage) -> float:
    return float(stage.clock_file.read_text())


def can_write_freely() -> bool:
    try:
        sending.send("bait", PHONE, words.Draft(words.Kind.TEXT, "hi"))
    except errors.Refused:
        return False
    return True


# --- the door ------------------------------------------------------------------------------------------

RIGHT = {"hub.mode": "subscribe", "hub.verify_token": "a token", "hub.challenge": "1158201444"}


@pytest.mark.parametrize("route", ["own", "shared"])
@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (urlencode(RIGHT), "1158201444"),
        (urlencode(RIGHT | {"hub.challenge": "<script>alert(1)</script>"}), "<script>alert(1)</script>"),
        (urlencode(RIGHT | {"hub.verify_token": "another"}), None),
        (urlencode({name: value for name, value in RIGHT.items() if name != "hub.verify_token"}), None),
        (urlencode(RIGHT | {"hub.verify_token": ""}), None),
        (urlencode(RIGHT) + "&hub.challenge=2", None),
        (urlencode(RIGHT) + "&hub.verify_token=another", None),
        (urlencode(RIGHT | {"hub.challenge": "<script>", "hub.verify_token": "x"}), None),
    ],
)
def test_a_handshake_is_answered_as_plain_text_for_the_right_token_alone(
    stage: Stage, route: str, query: str, answer: str | None
) -> None:
    """Faults row 26: the challenge as text/plain for the right token, 403 for any other; no signature is asked for."""
    channel = add_meta("bait", "+966110000001", NUMBER_ID, verify_token="a token")
    path = f"/webhooks/{channel.key}" if route == "own" else "/whatsapp/webhook"
    got = stage.client.get(f"{path}?{query}")
    assert (got.status_code, got.text) == ((200, answer) if answer else (403, "forbidden\n"))
    assert got.content_type.partition(";")[0] == "text/plain"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert Webhook.select().count() == 0


GUPSHUP = {"app_name": "DemoApp", "api_key": "k"}
INTERAKT = {"api_key": "a2V5Og=="}
TEXTS = {"gupshup": GUPSHUP, "interakt": INTERAKT}


@pytest.mark.parametrize("provider", TEXTS)
def test_a_provider_that_signs_nothing_gets_in_by_the_channel_s_secret_address_alone(
    stage: Stage, provider: str
) -> None:
    """Faults row 27: 128 unguessable bits in the address let it in; any other address is 403 and stores no body."""
    channel = tenancy.add_channel("bait", provider, "+966110000001", TEXTS[provider])
    assert len(channel.key) == 32
    body = payloads.read(provider, "text")[0].body
    others = ["/whatsapp/webhook", "/whatsapp/status", "/webhooks/" + "0" * 32, f"/webhooks/{stage.channel.key}",
              f"/webhooks/{channel.key[:-1]}", f"/webhooks/{channel.id}"]  # fmt: skip
    for path in others:
        assert stage.client.post(path, data=body, content_type="application/json").status_code in (403, 404)
    assert Webhook.select().count() == 0
    answer = stage.client.post(f"/webhooks/{channel.key}", data=body, content_type="application/json")
    assert answer.status_code == 200
    stage.read()
    assert len(stage.in_()) == 1


def test_with_an_agreed_header_the_address_alone_is_not_enough(stage: Stage) -> None:
    """Faults row 27: where an unsigned provider can send a header, it has to."""
    agreed = {**GUPSHUP, "header_name": "X-Ours", "header_value": "v" * 32}
    channel = tenancy.add_channel("bait", "gupshup", "+966110000001", agreed)
    body = payloads.read("gupshup", "text")[0].body
    codes = [
        stage.client.post(f"/webhooks/{channel.key}", data=body, headers=headers).status_code
        for headers in ({}, {"X-Ours": "w" * 32}, {"X-Ours": "v" * 32})
    ]
    assert codes == [403, 403, 200]


def gupshup(situation: str) -> Callable[[Business], int]:
    def told(business: Business) -> int:
        found = tenants.channel_by_route("gupshup", "DemoApp")
        channel = found or tenancy.add_channel("bait", "gupshup", "+966110000009", GUPSHUP)
        body = payloads.read("gupshup", situation)[0].body
        status = business.stage.client.post(f"/webhooks/{channel.key}", data=body).status_code
        business.stage.read()
        return int(status)

    return told


NO_MESSAGES: dict[str, Callable[[Business], int]] = {
    "an echo of the app": lambda business: business.told(
        change("smb_message_echoes", message_echoes=[echoed("wamid.app", "hello")])
    ),
    "an echo of our API": lambda business: business.told(
        change("message_echoes", message_echoes=[echoed("wamid.api", "hello")])
    ),
    "a status": lambda business: business.told(
        change("messages", statuses=[{"id": "wamid.1", "status": "sent", "timestamp": "1", "recipient_id": CUSTOMER}])
    ),
    "Gupshup's enqueued": gupshup("status_enqueued"),
    "Gupshup's enqueued of the third version": gupshup("v3_status_enqueued_with_its_time_in_milliseconds"),
    "Gupshup's echo": gupshup("v3_echo_of_the_business_app"),
    "Gupshup's sandbox-start": gupshup("greeting_when_the_address_is_entered"),
}


@pytest.mark.parametrize("what", NO_MESSAGES)
def test_what_is_no_customer_s_message_starts_no_bot(business: Business, what: str) -> None:
    """Faults row 28: echoes, `enqueued` and greetings are 200, and nobody is answered."""
    for _ in range(3):
        assert NO_MESSAGES[what](business) == 200
        business.stage.answer()
        business.stage.later(minutes=1)
    assert business.stage.deliver() == 0
    assert business.stage.in_() == []
    assert [row for row in business.stage.out() if row.turn is not None] == []
    assert webhooks.quarantined() == []
