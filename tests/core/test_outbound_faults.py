"""Every row of faults part B (31 to 55), and row 21: what a fault of an outbound send ends in. ROWS says which test
proves which row; some stand in other files. Where the wire matters, the provider is a socket of ours."""

import functools
import gzip
import json
import logging
import re
import socket
import struct
import threading
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.core.conftest import API, PHONE, SECRET, Stage
from tests.core.test_delivery import claimed, one, queue
from tests.test_http import Behaviour, Serve, serve
from wabot import clock, config, errors, words
from wabot.core import delivery, inbox, retrying, sending, templates, tenancy
from wabot.providers import sandbox_api
from wabot.store import consent, db, failed, outbox, rules, workers
from wabot.store import templates as registry
from wabot.store.customers import Conversation
from wabot.store.messages import Message
from wabot.store.tenants import Channel
from wabot.words import AttemptBy, Status

__all__ = ["serve"]

HERE = "tests/core/test_outbound_faults.py"
DELIVERY, CIRCUIT, RULES = "tests/core/test_delivery.py", "tests/core/test_circuit.py", "tests/core/test_rules.py"
CONTRACT, CODES = "tests/providers/test_contract.py", "tests/providers/test_codes.py"
HTTP, KILLS, RETRY = "tests/test_http.py", "tests/spine/test_kills.py", "tests/web/test_retry.py"
SEND_API, MESSAGES_API = "tests/web/test_send_api.py", "tests/web/test_messages_api.py"
STOPS = "tests/spine/test_outbound_faults.py"

ROWS: dict[int, tuple[str, ...]] = {
    21: (f"{HERE}::test_after_six_hours_without_a_consumer_what_is_too_late_expires_and_the_rest_goes_in_order",),
    31: (
        f"{HERE}::test_a_connection_that_never_came_about_is_tried_again_because_nothing_was_sent",
        f"{HERE}::test_retries_of_one_outage_are_spread_by_chance",
        f"{HTTP}::test_a_certificate_that_nobody_trusts_is_refused_and_nothing_sent",
    ),
    32: (
        f"{HERE}::test_a_connection_lost_after_the_request_left_is_unknown_and_never_blindly_sent_again",
        f"{DELIVERY}::test_a_second_unknown_outcome_is_dead_as_maybe_sent",
        f"{CONTRACT}::test_a_send_is_one_request_that_carries_our_reference_or_says_that_it_cannot",
    ),
    33: (f"{HERE}::test_an_answer_that_does_not_come_in_time_is_unknown_and_never_blindly_sent_again",),
    34: (
        f"{HERE}::test_a_process_killed_after_the_provider_took_the_message_sends_at_most_one_more_and_flags_it",
        f"{KILLS}::test_ten_kills_of_each_process_lose_nothing_and_double_nothing_unflagged",
    ),
    35: (
        f"{HERE}::test_an_acceptance_that_cannot_be_read_is_unknown_with_its_first_two_kilobytes_kept",
        f"{HERE}::test_an_answer_cut_short_is_unknown",
        f"{CONTRACT}::test_an_answer_that_is_not_accepted_has_its_verdict",
    ),
    36: (
        f"{HERE}::test_an_error_of_the_provider_s_own_is_unknown_unless_its_table_says_that_nothing_was_sent",
        f"{CODES}::test_a_code_has_the_verdict_and_the_reason_that_its_vendor_describes",
    ),
    37: (
        f"{HERE}::test_a_429_or_503_with_any_retry_after_holds_that_channel_alone_and_spends_no_attempt",
        f"{HERE}::test_however_often_a_message_is_throttled_its_whole_retry_plan_is_left",
    ),
    38: (f"{HERE}::test_refused_credentials_pause_their_channel_with_an_alarm_and_burn_no_retry",),
    39: (
        f"{HERE}::test_what_can_never_succeed_is_failed_at_once_with_the_provider_s_code",
        f"{HERE}::test_the_code_decides_and_never_the_words_beside_it",
        f"{CODES}::test_a_code_has_the_verdict_and_the_reason_that_its_vendor_describes",
    ),
    40: (
        f"{HERE}::test_an_error_that_comes_only_by_webhook_means_what_it_means_at_once",
        f"{HERE}::test_an_outcome_that_was_unknown_at_once_is_a_known_failure_by_webhook",
        f"{HERE}::test_a_throttle_that_comes_only_by_webhook_holds_the_channel_and_spends_no_attempt",
        f"{CODES}::test_a_code_means_the_same_at_once_and_on_a_receipt",
    ),
    41: (
        f"{HERE}::test_a_dripping_answer_is_unknown_at_the_total_deadline",
        f"{HTTP}::test_a_dripping_answer_is_broken_off_at_the_total_deadline",
    ),
    42: (
        f"{HERE}::test_a_huge_answer_is_unknown_and_takes_less_than_ten_megabytes",
        f"{HTTP}::test_200_megabytes_are_cut_off_after_one",
    ),
    43: (f"{HERE}::test_a_redirect_is_a_dead_end_and_nobody_there_is_told_our_secret",),
    44: (
        f"{HERE}::test_requests_under_one_key_at_the_same_time_are_one_message_and_one_send",
        f"{SEND_API}::test_the_same_key_and_body_is_the_same_message_and_is_sent_once",
        f"{SEND_API}::test_the_same_key_for_another_body_is_refused",
        f"{SEND_API}::test_requests_with_one_key_at_the_same_time_are_one_message",
        f"{MESSAGES_API}::test_the_same_idempotency_key_is_the_same_message_with_the_same_address",
    ),
    45: (f"{HERE}::test_a_crash_between_the_claim_and_the_call_is_unknown_never_queued",),
    46: (
        f"{HERE}::test_a_worker_that_slept_through_its_lease_settles_its_own_attempt_and_nothing_else",
        f"{STOPS}::test_a_consumer_that_was_stopped_mid_send_changes_nothing_when_it_goes_on",
    ),
    47: (
        f"{HERE}::test_a_message_that_kills_its_worker_every_time_is_dead_and_the_others_flow",
        f"{HERE}::test_a_row_that_this_release_cannot_read_fails_alone_and_the_others_flow",
    ),
    48: (f"{HERE}::test_behind_ten_thousand_of_one_tenant_another_tenant_s_message_is_the_next_but_one",),
    49: (
        f"{HERE}::test_after_two_hours_of_outage_nothing_bursts_the_late_expire_and_order_is_kept",
        f"{HERE}::test_probes_of_a_provider_that_is_down_are_spread_by_chance",
        f"{CIRCUIT}::test_an_outage_opens_the_circuit_and_kills_nothing",
        f"{CIRCUIT}::test_after_an_outage_what_waited_goes_out_no_faster_than_the_channel_s_rate",
        f"{CIRCUIT}::test_another_channel_s_messages_leave_meanwhile",
    ),
    50: (
        f"{HERE}::test_exhausted_attempts_are_a_dead_letter_with_its_history_that_can_be_retried_or_discarded",
        f"{HERE}::test_a_retry_by_hand_looks_at_consent_and_window_anew",
        f"{RETRY}::test_each_retry_is_in_the_journal_with_who_asked_for_it",
        f"{RETRY}::test_giving_up_is_for_failed_messages_and_for_good",
        "tests/cli/test_retry.py::test_a_run_of_all_can_be_of_one_tenant_and_from_some_time_on",
    ),
    51: (
        f"{HERE}::test_a_stop_and_the_silence_that_it_asks_for_are_one_transaction",
        f"{HERE}::test_a_stop_after_the_claim_is_seen_immediately_before_the_call",
        f"{HERE}::test_what_was_under_way_when_the_stop_came_is_never_tried_again",
        f"{RULES}::test_a_stop_silences_everything_that_waits_in_the_same_transaction",
    ),
    52: (f"{HERE}::test_once_the_window_has_closed_free_forms_are_suppressed_and_templates_still_go",),
    53: (
        f"{HERE}::test_a_template_disabled_meanwhile_fails_once_and_holds_back_the_rest_with_an_alarm",
        f"{HERE}::test_a_template_is_paused_for_wrong_variables_only_after_three_in_a_row",
    ),
    54: (
        f"{HERE}::test_a_message_is_either_cancelled_or_sent_never_both",
        f"{MESSAGES_API}::test_taking_a_message_back_before_it_is_claimed",
        f"{MESSAGES_API}::test_once_it_is_claimed_it_is_409",
    ),
    55: (
        f"{HERE}::test_a_connection_that_its_peer_closed_between_sends_costs_nothing",
        f"{HTTP}::test_every_request_has_a_connection_of_its_own",
    ),
}
"""Each row's number, and the tests that prove its outcome."""


def not_there(rows: Mapping[int, Collection[str]]) -> list[str]:
    """The tests that a table names and that do not exist."""
    named = {name for tests in rows.values() for name in tests}
    return sorted(name for name in named if name.partition("::")[2] not in _tests_in(name.partition("::")[0]))


@functools.cache
def _tests_in(path: str) -> frozenset[str]:
    file = Path(__file__).parents[2] / path
    return frozenset(re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)) if file.exists() else frozenset()


def test_every_row_has_tests_and_they_exist() -> None:
    assert sorted(ROWS) == [21, *range(31, 56)]
    assert all(ROWS.values())
    assert not_there(ROWS) == []


# --- a provider of which every byte is ours ----------------------------------------------------------


def whole_request(connection: socket.socket) -> bytes:
    """A request with its body."""
    read = b""
    while True:
        head, end, body = read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if end and len(body) >= int(length[1] if length else 0):
            return read
        chunk = connection.recv(65536)
        if not chunk:
            return read
        read += chunk


@dataclass
class Wire:
    """Lets the channel's provider be a socket, and counts what was asked of it."""

    stage: Stage
    serve: Serve
    requests: list[bytes] = field(default_factory=list)
    kept: list[socket.socket] = field(default_factory=list)

    def meets(self, behave: Behaviour, *, reads: bool = True) -> None:
        """From now on each send meets this, after its request was read or before."""

        def noted(connection: socket.socket) -> None:
            self.requests.append(whole_request(connection) if reads else connection.recv(1, socket.MSG_PEEK))
            behave(connection)

        self.points_to(self.serve(noted))

    def points_to(self, address: str) -> None:
        self.stage.provider.reset()
        self.stage.provider.add_passthru(re.compile(r"https?://(127\.0\.0\.1|localhost|wabot\.invalid)"))
        base = address if "://" in address else f"http://{address}"
        tenancy.edit_channel(self.stage.channel.id, {"api_base": base})

    def mends(self) -> None:
        """From now on the provider takes every message."""
        tenancy.edit_channel(self.stage.channel.id, {"api_base": "http://provider.test"})
        self.stage.accepts()


@pytest.fixture
def wire(stage: Stage, serve: Serve) -> Iterator[Wire]:
    wire = Wire(stage, serve)
    yield wire
    for each in wire.kept:
        each.close()


def told(*parts: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return behave


def answered(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> Behaviour:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return told("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def hangs(connection: socket.socket) -> None:
    connection.recv(1)


def closes(_: socket.socket) -> None:
    """FIN without an answer."""


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n")
    wait = threading.Event()
    for _ in range(10_000):
        connection.sendall(b"{")
        wait.wait(0.1)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A send may take half a second."""
    monkeypatch.setenv("WABOT_SEND_TIMEOUT", "0.5")
    config.settings.cache_clear()


@pytest.fixture(params=["a callback", "once", "never"])
def fate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What ends an unknown outcome: the provider's callback, else the stated policy."""
    if request.param == "never":
        monkeypatch.setenv("WABOT_UNKNOWN_POLICY", "never")
        config.settings.cache_clear()
    return str(request.param)


def is_unknown_then(stage: Stage, fate: str, mend: Callable[[], None]) -> None:
    """The one message's only attempt is unknown, and ends by its fate: nothing is sent twice unless it says so."""
    message, [attempt] = one(stage), stage.attempts()
    assert (message.status, attempt.status, message.due_at) == (Status.UNKNOWN, Status.UNKNOWN, None)
    sent = len(stage.sent)
    mend()
    stage.later(seconds=60)
    stage.keep_house()
    assert stage.deliver() == 0, "nothing is tried again blindly"
    if fate == "a callback":
        stage.status("delivered", f"{message.uid}.1", id="sbx.9")
    stage.later(seconds=61)
    stage.keep_house()
    calls = stage.deliver()
    stage.later(hours=5)
    stage.keep_house()
    assert stage.deliver() == 0
    message = one(stage)
    ended = (calls, message.status, bool(message.resent_unknown), message.error_code)
    assert (
        ended
        == {
            "a callback": (0, Status.DELIVERED, False, ""),
            "once": (1, Status.SENT, True, ""),
            "never": (0, Status.DEAD, False, "maybe_sent"),
        }[fate]
    )
    assert [line["reference"] for line in stage.sent[sent:]] == [f"{message.uid}.2"] * calls
    assert bool(message.critical) is (fate == "never")


def add_other(slug: str, number: str, host: str = "other.test") -> Channel:
    return tenancy.add_channel(slug, "sandbox", number, {"secret": SECRET, "api_base": f"http://{host}"})


def queue_at(stage: Stage, channel: Channel, phone: str, text: str) -> Message:
    """A message by this channel, to a customer who has just written to it."""
    assert stage.webhook(stage.item("hello", phone=phone), channel=channel).status_code == 200
    stage.read()
    db.write(lambda: db.run("UPDATE message SET answer_due_at = NULL"))
    return sending.send(channel.tenant.slug, phone, words.Draft(words.Kind.TEXT, text), channel_id=channel.id)


# --- the consumer was down ---------------------------------------------------------------------------


def test_after_six_hours_without_a_consumer_what_is_too_late_expires_and_the_rest_goes_in_order(stage: Stage) -> None:
    """Faults row 21: webhooks are taken in all the time; on return answers whose window or time to live has passed are
    expired and not sent, the others go in order per conversation, and customers who have waited are not forgotten."""
    first, second, silent, waiting = PHONE, "+966522222222", "+966533333333", "+966544444444"
    queue(stage, phone=silent)
    stage.later(hours=20)
    for phone in (first, second):
        queue(stage, "one", "two", "three", phone=phone)
    stage.fails(400, "temporary")
    assert stage.deliver() == 2, "what goes first is due last when the consumer comes back"
    stage.accepts()
    sending.send("bait", silent, words.Draft(words.Kind.TEXT, "the window closes"))
    stage.says("hello", phone=waiting)
    stage.answer()
    for hour in range(6):
        assert stage.webhook(stage.item(f"hour {hour}", phone=second)).status_code == 200
        stage.later(hours=1)
    assert stage.webhook(stage.item("just now", phone=first)).status_code == 200
    stage.keep_house()
    stage.answer()
    stage.deliver()
    while stage.deliver():
        continue
    told = {phone: [sent["message"]["text"] for sent in stage.sent if sent["to"] == phone] for phone in
            (first, second, silent, waiting)}  # fmt: skip
    assert told[first][:3] == told[second] == ["one", "two", "three"]
    assert len(told[first]) == 4, "and the answer to what was written just now"
    assert told[silent] == told[waiting] == []
    late = {row.customer.address: (row.status, row.error_code) for row in stage.out() if row.status != Status.SENT}
    assert late == {silent: (Status.SUPPRESSED, "window_closed"), waiting: (Status.SUPPRESSED, "expired")}
    assert [row.for_person for row in stage.in_() if row.body.startswith("hour")] == ["stale"] * 6
    assert Message.select().where(Message.body.startswith("hour")).count() == 6


# --- surely not sent ---------------------------------------------------------------------------------


def refused(wire: Wire) -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def without_dns(wire: Wire) -> str:
    return "http://wabot.invalid"


def without_tls(wire: Wire) -> str:
    return f"https://{wire.serve(told(b'HTTP/1.1 201 Created'))}"


def without_room(wire: Wire) -> str:
    """A server whose queue of connections is full: another one never comes about."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    callers = [socket.socket() for _ in range(3)]
    for caller in callers:
        caller.setblocking(False)
        with suppress(BlockingIOError):
            caller.connect(listener.getsockname())
    wire.kept += [listener, *callers]
    return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("how", [refused, without_dns, without_tls, without_room])
def test_a_connection_that_never_came_about_is_tried_again_because_nothing_was_sent(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, how: Callable[[Wire], str]
) -> None:
    """Faults row 31: refused, without DNS, without TLS, timed out: provably not sent, so queued with one attempt more,
    after a wait with jitter."""
    stage, genuine = wire.stage, socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        if host == "wabot.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return genuine(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    queue(stage, "hi")
    wire.points_to(how(wire))
    assert stage.deliver() == 1
    message, [attempt] = one(stage), stage.attempts()
    assert (message.status, message.error_code, message.attempts) == (Status.QUEUED, "not_sent", 1)
    assert (attempt.status, attempt.lease_until) == (Status.FAILED, None)
    assert timedelta(seconds=5) <= message.due_at - message.failed_at < timedelta(seconds=6)
    wire.mends()
    assert stage.deliver() == 0
    stage.later(seconds=6)
    assert stage.deliver() == 1
    message = one(stage)
    assert (message.status, message.attempts, message.retry_count) == (Status.SENT, 2, 1)
    assert not message.resent_unknown


def test_retries_of_one_outage_are_spread_by_chance(stage: Stage) -> None:
    """Faults row 31: the backoff has jitter, so that what failed together does not come back together."""
    for n in range(8):
        queue(stage, "hi", phone=f"+9665000000{n:02}")
    stage.breaks(requests.ConnectionError())
    assert stage.deliver() == 8
    waits = {message.due_at - message.failed_at for message in stage.out()}
    assert len(waits) > 1
    assert all(timedelta(seconds=5) <= wait < timedelta(seconds=6) for wait in waits)


# --- nobody knows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("behave", "reads"), [(resets, True), (closes, True), (resets, False)],
                         ids=["reset after reading", "closed after reading", "reset before reading"])  # fmt: skip
def test_a_connection_lost_after_the_request_left_is_unknown_and_never_blindly_sent_again(
    wire: Wire, fate: str, behave: Behaviour, reads: bool
) -> None:
    """Faults row 32: a reset or FIN cannot be told from an acceptance, so the outcome is unknown; our id on a callback
    resolves it, else the policy: `never` is dead as maybe sent, `once` one flagged send."""
    queue(wire.stage, "hi")
    wire.meets(behave, reads=reads)
    assert wire.stage.deliver() == 1
    assert len(wire.requests) == 1
    assert one(wire.stage).error_code == "connection_lost"
    is_unknown_then(wire.stage, fate, wire.mends)


@pytest.mark.usefixtures("hurried")
def test_an_answer_that_does_not_come_in_time_is_unknown_and_never_blindly_sent_again(wire: Wire, fate: str) -> None:
    """Faults row 33: a time-out after the whole request was sent ends as row 32."""
    queue(wire.stage, "hi")
    wire.meets(hangs)
    assert wire.stage.deliver() == 1
    assert (len(wire.requests), one(wire.stage).error_code) == (1, "timeout")
    is_unknown_then(wire.stage, fate, wire.mends)


class Killed(BaseException):
    """What ends a process at once: nothing of ours catches it."""


def bury(stage: Stage) -> None:
    """The process that holds a lease is gone, and the next one has started."""
    gone = f"999999:1:{workers.me().rpartition(':')[2]}"
    db.write(lambda: db.run("UPDATE attempt SET worker = ? WHERE lease_until IS NOT NULL", gone))
    stage.keep_house()


def kills(stage: Stage, *, only: str = "") -> None:
    """From now on the provider takes every message, and then our process is killed; or only with this text."""

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        taken = stage._take(request)
        if not only or stage.sent[-1]["message"]["text"] == only:
            raise Killed
        return taken

    stage.provider.reset()
    stage.provider.add_callback("POST", API, callback=take)


def test_a_process_killed_after_the_provider_took_the_message_sends_at_most_one_more_and_flags_it(
    stage: Stage, fate: str
) -> None:
    """Faults row 34: accepted, and killed before our commit: unknown on restart, resolved by its callback; at most one
    duplicate under `once`, none under `never`."""
    [queued] = queue(stage, "hi")
    kills(stage)
    with pytest.raises(Killed):
        stage.deliver()
    assert one(stage).status is Status.SENDING
    bury(stage)
    assert [sent["reference"] for sent in stage.sent] == [f"{queued.uid}.1"]
    is_unknown_then(stage, fate, stage.accepts)
    assert len(stage.sent) == (2 if fate == "once" else 1)


UNREADABLE = {
    "broken JSON": answered("201 Created", b'{"id": "sbx'),
    "nothing": answered("201 Created"),
    "HTML": answered("200 OK", b"<html>" + b"x" * 5000),
    "a list": answered("201 Created", b"[]"),
    "no id": answered("201 Created", b'{"id": 7}'),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_an_acceptance_that_cannot_be_read_is_unknown_with_its_first_two_kilobytes_kept(
    wire: Wire, fate: str, what: str
) -> None:
    """Faults row 35: 2xx with broken JSON, nothing or HTML is unknown, not failed; its first 2 kB are kept, and it is
    reconciled as row 32."""
    queue(wire.stage, "hi")
    wire.meets(UNREADABLE[what])
    assert wire.stage.deliver() == 1
    [attempt] = wire.stage.attempts()
    kept = {"broken JSON": b'{"id": "sbx', "HTML": (b"<html>" + b"x" * 5000)[:2048], "a list": b"[]",
            "no id": b'{"id": 7}'}  # fmt: skip
    assert (attempt.answer or b"", attempt.error_code) == (kept.get(what, b""), "unreadable_answer")
    is_unknown_then(wire.stage, fate, wire.mends)


CUT_SHORT = {
    "short body": answered("201 Created", b'{"id": "sbx.1"', length=100),
    "short chunk": told(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"),
}


@pytest.mark.parametrize("what", CUT_SHORT)
def test_an_answer_cut_short_is_unknown(wire: Wire, fate: str, what: str) -> None:
    """Faults row 35: a body that ends too early is unknown and reconciled as row 32."""
    queue(wire.stage, "hi")
    wire.meets(CUT_SHORT[what])
    assert wire.stage.deliver() == 1
    assert one(wire.stage).error_code == "connection_lost"
    is_unknown_then(wire.stage, fate, wire.mends)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_provider_s_own_is_unknown_unless_its_table_says_that_nothing_was_sent(
    stage: Stage, fate: str, status: int
) -> None:
    """Faults row 36: a 5xx may have been sent, so it ends as row 32; a code that the provider's table marks as safe is
    tried again."""
    safe, _ = queue(stage, "safe", "hi")
    stage.fails(status, "temporary")
    stage.deliver()
    assert one_of(safe).status is Status.QUEUED
    db.write(lambda: [db.run(f"DELETE FROM {table}") for table in ("attempt", "message WHERE body = 'safe'")])
    stage.fails(status, body="<html>")
    assert stage.deliver() == 1
    assert one(stage).error_code == f"http_{status}"
    is_unknown_then(stage, fate, stage.accepts)


def one_of(message: Message) -> Message:
    return Message.get_by_id(message.id)


# --- the provider says how --------------------------------------------------------------------------


WAITS: dict[str, tuple[Callable[[], str] | None, int]] = {
    "7": (lambda: "7", 7),
    "a date": (lambda: format_datetime(clock.now() + timedelta(seconds=7), usegmt=True), 7),
    "0": (lambda: "0", 1),
    "-1": (lambda: "-1", 5),
    "99999999": (lambda: "99999999", 3600),
    "junk": (lambda: "soon", 5),
    "empty": (lambda: "", 5),
    "none": (None, 5),
}


@pytest.mark.parametrize(
    ("status", "what"), [(429, what) for what in WAITS] + [(503, what) for what in WAITS if what != "none"]
)
def test_a_429_or_503_with_any_retry_after_holds_that_channel_alone_and_spends_no_attempt(
    stage: Stage, make_channel: Callable[..., Channel], status: int, what: str
) -> None:
    """Faults row 37: nothing was sent; that channel waits as long as it was asked to (between 1 s and 1 h, junk is our
    own wait), no attempt is spent, and other channels go on. A 503 without Retry-After is row 36."""
    told_by, seconds = WAITS[what]
    sibling, stranger = add_other("bait", "+966500000002"), make_channel("luma", "+447700900001")
    tenancy.edit_channel(stranger.id, {"api_base": "http://other.test"})
    queue(stage, "hi")
    queue_at(stage, sibling, "+966522222222", "of the same tenant")
    queue_at(stage, stranger, "+447700900999", "of another tenant")
    stage.fails(status, "", headers={"Retry-After": told_by()} if told_by else {})
    others = stage.provider.add("POST", "http://other.test/sandbox/api/messages", json={"id": "o"}, status=201)
    now = clock.now()
    assert stage.deliver() == 3
    assert others.call_count == 2
    assert tenancy.find_channel(sibling.id).held_until is tenancy.find_channel(stranger.id).held_until is None
    waits = stage.fresh_channel().held_until - now
    assert timedelta(seconds=seconds - 1.1) < waits <= timedelta(seconds=seconds + 2)
    held = stage.out()[0]
    assert (held.status, held.retry_count, bool(held.retry_due)) == (Status.QUEUED, 0, False)
    stage.accepts()
    assert stage.deliver() == 0
    stage.later(seconds=seconds + 2)
    assert stage.deliver() == 1
    assert stage.out()[0].status is Status.SENT


def test_however_often_a_message_is_throttled_its_whole_retry_plan_is_left(stage: Stage) -> None:
    """Faults row 37: attempts are not consumed."""
    queue(stage, "hi")
    for _ in range(10):
        stage.fails(429, headers={"Retry-After": "1"})
        assert stage.deliver() == 1
        stage.later(seconds=2)
    stage.fails(400, "temporary")
    for tries in range(1, 5):
        assert stage.deliver() == 1
        assert one(stage).status is (Status.DEAD if tries == 4 else Status.QUEUED)
        stage.later(seconds=20)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_pause_their_channel_with_an_alarm_and_burn_no_retry(
    stage: Stage, make_channel: Callable[..., Channel], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Faults row 38: the channel is paused with an alarm, its rows stay queued and burn no retry, other tenants go on;
    new credentials resume it, in order."""
    stranger = make_channel("luma", "+447700900001")
    tenancy.edit_channel(stranger.id, {"api_base": "http://other.test"})
    queue(stage, "first", "second")
    queue_at(stage, stranger, "+447700900999", "of another tenant")
    stage.fails(status, "")
    others = stage.provider.add("POST", "http://other.test/sandbox/api/messages", json={"id": "o"}, status=201)
    stage.deliver()
    for _ in range(20):
        stage.later(minutes=10)
        stage.keep_house()
        stage.deliver()
    assert [call.request.url for call in stage.provider.calls].count(API) == 1, "asked once, and not again"
    assert others.call_count == 1
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "channel paused: credentials refused"
    ]
    assert (stage.fresh_channel().status, stage.fresh_channel().pause_code) == ("paused", "credentials")
    waiting = stage.out()[:2]
    assert {(row.status, row.retry_count, bool(row.retry_due)) for row in waiting} == {(Status.QUEUED, 0, False)}
    stage.accepts()
    tenancy.edit_channel(stage.channel.id, {"secret": "n" * 32})
    stage.later(minutes=1)
    stage.deliver()
    assert [sent["message"]["text"] for sent in stage.sent] == ["first", "second"]


SID = "AC" + "1" * 32
TWILIO_SENDS = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"


def queue_by_twilio(stage: Stage, *texts: str) -> None:
    channel = tenancy.add_channel("bait", "twilio", "+14155238886", {"account_sid": SID, "auth_token": "t" * 32})
    queue(stage)
    db.write(lambda: Conversation.update(channel=channel.id).execute())
    for text in texts:
        sending.send("bait", PHONE, words.Draft(words.Kind.TEXT, text))


def twilio_says(stage: Stage, code: int, message: str = "as told") -> None:
    stage.provider.reset()
    stage.provider.post(TWILIO_SENDS, status=400, json={"code": code, "message": message, "status": 400})


@pytest.mark.parametrize(("code", "critical"), [(21211, False), (63016, False), (63033, False), (63040, True),
                                                (21617, False), (63007, True)])  # fmt: skip
def test_what_can_never_succeed_is_failed_at_once_with_the_provider_s_code(
    stage: Stage, code: int, critical: bool
) -> None:
    """Faults row 39: a bad number, outside the window, opted out, a template that is missing: failed at once with the
    provider's own code, and never tried again."""
    queue_by_twilio(stage, "hi")
    twilio_says(stage, code)
    assert stage.deliver() == 1
    message = one(stage)
    assert (message.status, message.error_code, bool(message.critical)) == (Status.FAILED, str(code), critical)
    assert (message.due_at, bool(message.retry_due), message.attempts) == (None, False, 1)
    assert consent.refuses_marketing(message.customer_id, message.channel_id) is (code == 63033)
    stage.later(hours=1)
    stage.keep_house()
    assert stage.deliver() == 0
    assert len(stage.provider.calls) == 1


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        (63016, "Too many requests, try again later", Status.FAILED),
        (63018, "Invalid number, permanently", Status.QUEUED),
        (20003, "Internal server error", Status.QUEUED),
        (20503, "The template does not exist", Status.QUEUED),
    ],
)
def test_the_code_decides_and_never_the_words_beside_it(stage: Stage, code: int, message: str, status: Status) -> None:
    """Faults row 39: decided on the code, not on the title."""
    queue_by_twilio(stage, "hi")
    twilio_says(stage, code, message)
    stage.deliver()
    assert (one(stage).status, one(stage).error_code, one(stage).error_message) == (status, str(code), message)


def consequences(stage: Stage, message: Message) -> dict[str, Any]:
    """All that a failure changed, and the channel as good as new."""
    row, channel = one_of(message), stage.fresh_channel()
    waits = row.due_at and row.failed_at and (row.due_at - row.failed_at).seconds
    seen = {
        "message": (row.status, row.error_code, row.error_message, row.critical, row.retry_count, row.retry_due, waits),
        "channel": (channel.status, channel.pause_code, channel.held_until is not None),
        "opted out": consent.refuses_marketing(row.customer_id, channel.id),
        "attempt": [(a.status, a.error_code) for a in stage.attempts() if a.message_id == row.id],
    }
    tenancy.resume_channel(channel.id)
    return seen


@pytest.mark.parametrize("code", sorted(set(sandbox_api.CODES) - {"unknown"}))
def test_an_error_that_comes_only_by_webhook_means_what_it_means_at_once(stage: Stage, code: str) -> None:
    """Faults row 40: the same mapping, applied when the webhook comes."""
    [first] = queue(stage, "at once")
    stage.fails(400, code)
    stage.deliver()
    at_once = consequences(stage, first)
    [second] = queue(stage, "by webhook", phone="+966522222222")
    db.write(lambda: db.run("UPDATE message SET status = 'cancelled', due_at = NULL WHERE id = ?", first.id))
    stage.accepts()
    stage.later(seconds=1)
    assert stage.deliver() == 1
    stage.status("failed", f"{second.uid}.1", id="sbx.1", error={"code": code, "message": "as told"})
    assert consequences(stage, second) == at_once


def test_an_outcome_that_was_unknown_at_once_is_a_known_failure_by_webhook(stage: Stage) -> None:
    """Faults row 40: a code that leaves the outcome open at once says on a receipt that it failed: tried again, which
    is no duplicate."""
    [message] = queue(stage, "hi")
    stage.deliver()
    stage.status("failed", f"{message.uid}.1", id="sbx.1", error={"code": "unknown", "message": "as told"})
    assert (one(stage).status, bool(one(stage).retry_due)) == (Status.QUEUED, True)


def test_a_throttle_that_comes_only_by_webhook_holds_the_channel_and_spends_no_attempt(stage: Stage) -> None:
    """Faults row 40: and so, as row 37 has it, ten of them leave the whole retry plan."""
    [message] = queue(stage, "hi")
    for n in range(1, 11):
        assert stage.deliver() == 1
        stage.status("failed", f"{message.uid}.{n}", id=f"sbx.{n}", error={"code": "throttled", "message": "slow"})
        assert (one(stage).status, one(stage).retry_count) == (Status.QUEUED, 0)
        assert stage.fresh_channel().held_until > clock.now()
        assert stage.deliver() == 0
        stage.later(seconds=6)


# --- the wire is hostile -----------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried")
def test_a_dripping_answer_is_unknown_at_the_total_deadline(wire: Wire, fate: str) -> None:
    """Faults row 41: a byte now and then is broken off at the total deadline, and is unknown."""
    queue(wire.stage, "hi")
    wire.meets(drips)
    assert wire.stage.deliver() == 1
    assert (len(wire.requests), one(wire.stage).error_code) == (1, "timeout")
    is_unknown_then(wire.stage, fate, wire.mends)


MEGABYTE = b" " * 1_000_000
BOMB = gzip.compress(MEGABYTE * 200)


def floods(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 200000000\r\n\r\n")
    for _ in range(200):
        connection.sendall(MEGABYTE)


@pytest.mark.parametrize("behave", [floods, answered("201 Created", BOMB, "Content-Encoding: gzip")],
                         ids=["200 MB", "gzip bomb of 200 MB"])  # fmt: skip
def test_a_huge_answer_is_unknown_and_takes_less_than_ten_megabytes(wire: Wire, fate: str, behave: Behaviour) -> None:
    """Faults row 42: at most 1 MB is read, nothing is inflated; the outcome is unknown and memory stays flat."""
    queue(wire.stage, "hi")
    wire.meets(behave)
    tracemalloc.start()
    try:
        assert wire.stage.deliver() == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    [attempt] = wire.stage.attempts()
    assert 0 < len(attempt.answer) <= 2048
    is_unknown_then(wire.stage, fate, wire.mends)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("metadata", [True, False])
def test_a_redirect_is_a_dead_end_and_nobody_there_is_told_our_secret(wire: Wire, status: str, metadata: bool) -> None:
    """Faults row 43: not followed, failed as an unexpected redirect that the operator must see, and Authorization goes
    nowhere else. To call 169.254.169.254 at all would be an error of the test's own."""
    stage, visitors = wire.stage, []

    def elsewhere(connection: socket.socket) -> None:
        visitors.append(whole_request(connection))

    location = "169.254.169.254/latest/meta-data" if metadata else wire.serve(elsewhere)
    queue(stage, "hi")
    wire.meets(answered(status, b"", f"Location: http://{location}/"))
    assert stage.deliver() == 1
    message = one(stage)
    assert (message.status, message.error_code, message.critical) == (Status.FAILED, "unexpected_redirect", True)
    assert retrying.forecast(None, failed.Wanted()).matching == 1
    stage.later(hours=1)
    assert stage.deliver() == 0
    assert (len(wire.requests), visitors) == (1, [])
    assert SECRET.encode() in wire.requests[0], "there is something to be told"


def test_requests_under_one_key_at_the_same_time_are_one_message_and_one_send(stage: Stage) -> None:
    """Faults row 44: the same id and the same answer to all of them, another body is refused, and it leaves once."""
    queue(stage)
    draft = words.Draft(words.Kind.TEXT, "hi")
    barrier = threading.Barrier(8)

    def ask(_: int) -> tuple[int, str | None]:
        barrier.wait(30)
        sent = sending.send("bait", PHONE, draft, idempotency_key="k")
        return sent.id, sent.token

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    with pytest.raises(errors.Refused) as refusal:
        sending.send("bait", PHONE, words.Draft(words.Kind.TEXT, "ho"), idempotency_key="k")
    assert refusal.value.code == "idempotency_mismatch"
    assert stage.deliver() == 1
    assert ask_alone(draft).status is Status.SENT
    assert (stage.deliver(), len(stage.sent), len(stage.out())) == (0, 1, 1)


def ask_alone(draft: words.Draft) -> Message:
    return sending.send("bait", PHONE, draft, idempotency_key="k")


# --- workers that die, sleep or are killed -----------------------------------------------------------


@pytest.mark.parametrize("policy", ["once", "never"])
@pytest.mark.parametrize("ends", ["its process is gone", "its lease is over"])
def test_a_crash_between_the_claim_and_the_call_is_unknown_never_queued(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, policy: str, ends: str
) -> None:
    """Faults row 45: nobody can tell it from row 34, so it ends alike."""
    monkeypatch.setenv("WABOT_UNKNOWN_POLICY", policy)
    config.settings.cache_clear()
    claimed(stage)
    if ends == "its process is gone":
        bury(stage)
    else:
        assert not delivery.recover_lost(), "not before its lease is over"
        stage.later(seconds=61)
        delivery.recover_lost()
    assert (one(stage).error_code, len(stage.provider.calls)) == ("worker_lost", 0)
    is_unknown_then(stage, policy, stage.accepts)
    assert len(stage.sent) == (1 if policy == "once" else 0)


LATE = {
    "accepted": (201, '{"id": "sbx.late"}'),
    "refused": (400, '{"error": {"code": "permanent", "message": "no"}}'),
    "unknown": (500, ""),
    "credentials refused": (401, ""),
    "throttled": (429, ""),
}


@pytest.mark.parametrize("late", LATE)
def test_a_worker_that_slept_through_its_lease_settles_its_own_attempt_and_nothing_else(
    stage: Stage, late: str
) -> None:
    """Faults row 46: stopped for five minutes in the middle of a send, while another worker has taken the message over:
    the late answer changes its own attempt alone, nothing is settled twice, and both attempts can be seen."""
    queue(stage, "hi")
    seen: list[dict[str, Any]] = []

    def wakes_up_late(request: Any) -> tuple[int, dict[str, str], str]:
        if seen or one(stage).attempts > 1:
            return stage._take(request)
        with ThreadPoolExecutor(1) as another:
            another.submit(works_on).result()
        seen.append(fields(one(stage)))
        status, body = LATE[late]
        return status, {}, body

    def works_on() -> None:
        stage.later(minutes=5)
        assert delivery.recover_lost()
        stage.later(seconds=121)
        stage.keep_house()
        assert stage.deliver() == 1

    stage.provider.reset()
    stage.provider.add_callback("POST", API, callback=wakes_up_late)
    assert delivery.deliver_next(stage.pace)
    assert fields(one(stage)) == seen[0]
    message, [first, second] = one(stage), stage.attempts()
    assert (message.status, message.provider_message_id, message.resent_unknown) == (Status.SENT, "sbx.1", True)
    assert (second.n, second.status, second.provider_message_id) == (2, Status.SENT, "sbx.1")
    assert first.settled_at is not None
    expected = {"accepted": Status.SENT, "unknown": Status.UNKNOWN}.get(late, Status.FAILED)
    assert (first.n, first.status, first.lease_until) == (1, expected, None)
    assert stage.fresh_channel().status is words.ChannelStatus.ACTIVE
    stage.later(hours=1)
    stage.keep_house()
    assert (stage.deliver(), len(stage.provider.calls)) == (0, 2)


def fields(message: Message) -> dict[str, Any]:
    return dict(message.__data__)


def test_a_message_that_kills_its_worker_every_time_is_dead_and_the_others_flow(stage: Stage) -> None:
    """Faults row 47: no crash loop of more than three. By itself a message gets two chances (row 32 allows one resend),
    so that it is dead as maybe sent before it is poison; insisted on by hand it kills once more, and is."""
    [poison, *_] = queue(stage, "poison", "behind it")
    queue(stage, "elsewhere", phone="+966522222222")
    kills(stage, only="poison")
    assert deaths(stage) == 2
    assert {row.body: row.status for row in stage.out()} == {
        "poison": Status.DEAD, "behind it": Status.SENT, "elsewhere": Status.SENT}  # fmt: skip
    with pytest.raises(errors.Refused):
        retrying.retry_one(None, poison.id, by=AttemptBy.HAND, actor="me")
    retrying.retry_one(None, poison.id, by=AttemptBy.HAND, actor="me", force=True)
    assert deaths(stage) == 1
    assert (one_of(poison).status, one_of(poison).error_code) == (Status.DEAD, "poison")
    assert [attempt.error_code for attempt in stage.attempts() if attempt.message_id == poison.id] == (
        ["worker_lost"] * 3
    )
    with pytest.raises(errors.Refused) as refusal:
        retrying.retry_one(None, poison.id, by=AttemptBy.HAND, actor="me")
    assert refusal.value.code == "poison"


def test_a_row_that_this_release_cannot_read_fails_alone_and_the_others_flow(stage: Stage) -> None:
    """Faults row 47: what was queued by a newer release that was rolled back; once it is back, it can be sent."""
    [bad] = queue(stage, "bad")
    queue(stage, "good", phone="+966522222222")
    payload = json.dumps({"template": {"name": "x", "of": "a newer release"}})
    db.write(lambda: db.run("UPDATE message SET payload = ? WHERE id = ?", payload, bad.id))
    assert stage.deliver() == 2
    assert texts(stage) == ["good"]
    row = one_of(bad)
    assert (row.status, row.error_code, row.critical) == (Status.FAILED, "unreadable", True)
    db.write(lambda: db.run("UPDATE message SET payload = '{}' WHERE id = ?", bad.id))
    assert retrying.retry_one(None, bad.id, by=AttemptBy.HAND, actor="me").retried == [bad.id]
    assert stage.deliver() == 1
    assert one_of(bad).status is Status.SENT


def deaths(stage: Stage) -> int:
    """How often a consumer dies that is started again each time, in an hour."""
    died = 0
    for _ in range(30):
        try:
            stage.deliver()
        except Killed:
            died += 1
            bury(stage)
        stage.later(seconds=121)
        stage.keep_house()
    return died


# --- many ---------------------------------------------------------------------------------------------


def enqueue(phone: str, number: int) -> None:
    """So many messages for a customer, all due now."""
    conversation = Conversation.select().order_by(Conversation.id.desc()).get()
    assert conversation.customer.address == phone
    draft, now = words.Draft(words.Kind.TEXT, "bulk"), clock.now()
    db.write(
        lambda: [sending.enqueue(conversation, draft, key=None, now=now, ttl_seconds=99999) for _ in range(number)]
    )


def test_behind_ten_thousand_of_one_tenant_another_tenant_s_message_is_the_next_but_one(
    stage: Stage, make_channel: Callable[..., Channel]
) -> None:
    """Faults row 48: turns go round the channels, so that one message of B leaves at once behind 10,000 of A."""
    other = make_channel("luma", "+447700900001")
    for n in range(20):
        queue(stage, phone=f"+9665555555{n:02}")
        enqueue(f"+9665555555{n:02}", 500)
    assert outbox.depths()["queued"] == 10_000
    for phone in ("+447700900991", "+447700900992", "+447700900993"):
        queue_at(stage, other, phone, "single")
    turns = []
    for _ in range(8):
        claim = db.write(lambda: outbox.claim(clock.now(), stage.pace, delivery.lease()))
        assert claim is not None
        turns.append(claim.draft().text)
    assert turns[:6] in (["bulk", "single"] * 3, ["single", "bulk"] * 3)
    assert turns[6:] == ["bulk", "bulk"], "and then A has all of it"


def test_after_two_hours_of_outage_nothing_bursts_the_late_expire_and_order_is_kept(stage: Stage) -> None:
    """Faults row 49: on return no more leaves than the channel's rate, answers past their hour expire, and each
    conversation keeps its order."""
    tenancy.edit_channel(stage.channel.id, {}, out_per_minute=60)
    phones = [f"+9665000000{n:02}" for n in range(40)]
    for phone in phones:
        queue(stage, "one", "two", phone=phone)
    for n in range(5):
        stage.says("hello", phone=f"+9665111111{n:02}")
    stage.answer()
    stage.breaks(requests.ConnectionError())
    for _ in range(120):
        stage.deliver()
        stage.later(minutes=1)
    assert {row.status for row in stage.out() if row.body in ("one", "two")} == {Status.QUEUED}
    stage.accepts()
    sent = []
    for _ in range(400):
        sent.append(stage.deliver())
        stage.later(seconds=1)
    first = next(n for n, calls in enumerate(sent) if calls)
    assert sent[first] == 1, "one probe"
    assert max(sent) <= 2
    assert max(sum(sent[n : n + 60]) for n in range(340)) <= 61
    assert [line["message"]["text"] for line in stage.sent].count("one") == len(phones)
    for phone in phones:
        assert [line["message"]["text"] for line in stage.sent if line["to"] == phone] == ["one", "two"]
    late = [row for row in stage.out() if row.body not in ("one", "two")]
    assert [(row.status, row.error_code) for row in late] == [(Status.SUPPRESSED, "expired")] * 5


def test_probes_of_a_provider_that_is_down_are_spread_by_chance(stage: Stage) -> None:
    """Faults row 49: the waits grow to five minutes, each with its own jitter."""
    for n in range(outbox.CIRCUIT_OPENS):
        queue(stage, "hi", phone=f"+9665000000{n:02}")
    stage.breaks(requests.ConnectionError())
    stage.deliver()
    waits = []
    for _ in range(16):
        held_until = stage.fresh_channel().held_until
        waits.append((held_until - clock.now()).total_seconds())
        stage.later(seconds=max(0.0, waits[-1]) + 0.1)
        assert stage.deliver() == 1, "one at a time"
    for n, wait in enumerate(waits):
        assert min(300.0, 5.0 * 2**n) - 1 < wait <= 1.2 * min(300.0, 5.0 * 2**n)
    assert len({round(wait, 2) for wait in waits[7:]}) > 1


# --- what people do -----------------------------------------------------------------------------------


def journal() -> list[tuple[Any, ...]]:
    return db.rows("SELECT actor, action, tenant, subject FROM audit ORDER BY id")


def dead(stage: Stage, text: str, phone: str = PHONE) -> Message:
    [message] = queue(stage, text, phone=phone)
    stage.fails(400, "temporary")
    for _ in range(4):
        stage.deliver()
        stage.later(seconds=17)
    assert one_of(message).status is Status.DEAD
    return message


def test_exhausted_attempts_are_a_dead_letter_with_its_history_that_can_be_retried_or_discarded(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Faults row 50: dead with its last error, all its attempts and an alarm; sent again one by one, or all since some
    time, or given up, each noted with who did it."""
    one_, old, two, three = (dead(stage, text) for text in ("one", "old", "two", "three"))
    db.write(lambda: db.run("UPDATE message SET created_at = 1 WHERE id = ?", old.id))
    row = one_of(one_)
    assert (row.error_code, row.error_message, row.critical, row.due_at) == ("temporary", "as told", True, None)
    history = [(a.n, a.status, a.error_code, a.by, bool(a.answer)) for a in stage.attempts() if a.message_id == row.id]
    assert history == [(n, Status.FAILED, "temporary", AttemptBy.AUTO, True) for n in (1, 2, 3, 4)]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL] == (
        ["dead letter"] * 4
    )
    stage.accepts()
    assert retrying.retry_one(None, one_.id, by=AttemptBy.HAND, actor="me").retried == [one_.id]
    retrying.discard(None, two.id, actor="me")
    since = failed.Wanted(since=clock.now() - timedelta(hours=1))
    run = retrying.retry_many(None, since, by=AttemptBy.HAND, actor="you")
    assert run.retried == [three.id]
    stage.deliver()
    assert [row.status for row in stage.out()] == [Status.SENT, Status.DEAD, Status.CANCELLED, Status.SENT]
    assert [a.by for a in stage.attempts() if a.n == 5] == [AttemptBy.HAND] * 2
    assert journal() == [
        ("me", "retry", "bait", f"message {one_.id}"),
        ("me", "discard", "bait", f"message {two.id}"),
        ("you", "retry many", "", f"run {run.run_id}: 1 messages"),
    ]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("why", ["opted_out", "window_closed"])
def test_a_retry_by_hand_looks_at_consent_and_window_anew(stage: Stage, why: str, force: bool) -> None:
    """Faults row 50: a retry looks at consent and window anew; if forced, the claim does, and nothing leaves."""
    message = dead(stage, "hi")
    stage.accepts()
    if why == "opted_out":
        stage.says("stop")
        stage.read()
    else:
        stage.later(hours=24)
    if not force:
        with pytest.raises(errors.Refused) as refusal:
            retrying.retry_one(None, message.id, by=AttemptBy.HAND, actor="me")
        assert refusal.value.code == why
        many = retrying.retry_many(None, failed.Wanted(), by=AttemptBy.HAND, actor="me")
        assert [skipped.code for skipped in many.skipped] == [why]
    else:
        retrying.retry_one(None, message.id, by=AttemptBy.HAND, actor="me", force=True)
    assert stage.deliver() == 0
    expected = (Status.SUPPRESSED, why) if force else (Status.DEAD, "temporary")
    assert (one_of(message).status, one_of(message).error_code) == expected
    assert stage.sent == []


def test_a_stop_and_the_silence_that_it_asks_for_are_one_transaction(stage: Stage) -> None:
    """Faults row 51: the STOP and the suppression of the 20 that wait are stored together or not at all."""
    queue(stage, *(f"news {n}" for n in range(20)))
    db.write(lambda: db.run("CREATE TRIGGER broken BEFORE UPDATE ON message WHEN new.status = 'suppressed' "
                            "AND old.body = 'news 19' BEGIN SELECT RAISE(ABORT, 'broken'); END"))  # fmt: skip
    stage.says("STOP")
    assert inbox.read_some()
    assert {row.status for row in stage.out()} == {Status.QUEUED}
    assert not consent.has_opted_out(1)
    assert [row.body for row in stage.in_()] == ["hello"]
    db.write(lambda: db.run("DROP TRIGGER broken"))
    stage.read()
    assert {(row.status, row.error_code) for row in stage.out()} == {(Status.SUPPRESSED, "opted_out")}
    assert consent.has_opted_out(1)
    assert stage.deliver() == 0


def test_a_stop_after_the_claim_is_seen_immediately_before_the_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults row 51: the one that is claimed already looks again before the call: between the two, this customer says
    STOP. What lies between is the warning of the allowance, which is where the test comes in."""
    tenancy.edit_channel(stage.channel.id, {}, out_per_day=1)
    queue(stage, "hi")

    class Between(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert one(stage).status is Status.SENDING
            stage.says("stop")
            stage.read()

    between = Between()
    delivery.log.addHandler(between)
    try:
        assert stage.deliver() == 1
    finally:
        delivery.log.removeHandler(between)
    assert (one(stage).status, one(stage).error_code) == (Status.SUPPRESSED, "opted_out")
    assert (stage.sent, stage.attempts()) == ([], [])


@pytest.mark.parametrize("failure", [(400, "temporary"), (429, "throttled"), (500, ""), (401, "credentials")])
def test_what_was_under_way_when_the_stop_came_is_never_tried_again(stage: Stage, failure: tuple[int, str]) -> None:
    """Faults row 51: the call that no one could stop any more is the last one to this customer."""
    queue(stage, "hi")
    status, code = failure

    def meanwhile(_: Any) -> tuple[int, dict[str, str], str]:
        stage.says("stop")
        stage.read()
        return status, {}, json.dumps({"error": {"code": code, "message": "as told"}}) if code else ""

    stage.provider.reset()
    stage.provider.add_callback("POST", API, callback=meanwhile)
    assert stage.deliver() == 1
    stage.accepts()
    tenancy.resume_channel(stage.channel.id)
    for _ in range(5):
        stage.later(seconds=130)
        stage.keep_house()
        assert stage.deliver() == 0
    assert (one(stage).status, one(stage).error_code) == (Status.SUPPRESSED, "opted_out")
    assert stage.sent == []


BUTTON = (words.Button("1", "Yes"),)
FREE = [words.Draft(words.Kind.TEXT, "hi"), words.Draft(words.Kind.BUTTONS, "hi", buttons=BUTTON),
        words.Draft(words.Kind.LOCATION, location=words.Location(24.7, 46.7))]  # fmt: skip
READY = words.Template("ready", "en", "tpl-1", "UTILITY", "APPROVED", "Order {{1}} is ready.", 1)
TEMPLATE = words.Draft(words.Kind.TEMPLATE, template=words.TemplateUse("ready", "en", {"1": "7"}))


@pytest.mark.parametrize("tried", [False, True], ids=["at its first try", "at its retry"])
def test_once_the_window_has_closed_free_forms_are_suppressed_and_templates_still_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tried: bool
) -> None:
    """Faults row 52: the window is looked at when a message is sent: free-form is suppressed (`window_closed`, the
    contract's word) and never sent, a template goes."""
    monkeypatch.setenv("WABOT_MESSAGE_TTL", str(3 * 86400))
    config.settings.cache_clear()
    templates.add(stage.channel.id, READY)
    for n, draft in enumerate((*FREE, TEMPLATE)):
        queue(stage, phone=f"+96650000000{n}")
        sending.send("bait", f"+96650000000{n}", draft)
    if tried:
        stage.later(hours=23, minutes=59, seconds=50)
        stage.fails(400, "temporary")
        assert stage.deliver() == 4
        stage.accepts()
        stage.later(seconds=20)
    else:
        stage.later(hours=24, seconds=5)
    assert stage.deliver() == 1
    assert [sent["message"]["kind"] for sent in stage.sent] == ["template"]
    assert [(row.status, row.error_code) for row in stage.out()] == (
        [(Status.SUPPRESSED, "window_closed")] * 3 + [(Status.SENT, "")]
    )
    assert timedelta(hours=24) == rules.WINDOW


@pytest.mark.parametrize("announced", [True, False])
def test_a_template_disabled_meanwhile_fails_once_and_holds_back_the_rest_with_an_alarm(
    stage: Stage, caplog: pytest.LogCaptureFixture, announced: bool
) -> None:
    """Faults row 53: the first that is refused is failed with the template's code and an alarm, and the others of the
    campaign are not tried while it is paused."""
    row = templates.add(stage.channel.id, READY)
    for n in range(6):
        sending.send("bait", f"+96650000000{n}", TEMPLATE)
    if announced:
        notice = words.Notice("template", template="ready", template_language="en", template_status="DISABLED")
        db.write(lambda: templates.note(stage.fresh_channel(), notice, clock.now()))
    stage.fails(400, "template")
    for _ in range(10):
        stage.deliver()
        stage.later(minutes=5)
    assert len(stage.provider.calls) == 1
    first, *others = stage.out()
    assert (first.status, first.error_code, first.critical) == (Status.FAILED, "template", True)
    assert {(other.status, other.error_code, other.attempts) for other in others} == {(Status.QUEUED, "template", 0)}
    assert registry.by_id(row.id).paused_until is not None  # type: ignore[union-attr]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "template paused"
    ]


META_SENDS = "https://graph.facebook.com/v23.0/106540352242922/messages"


def test_a_template_is_paused_for_wrong_variables_only_after_three_in_a_row(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Faults row 53: N is one for a template that is disabled, and three for variables, which may be one caller's
    mistake."""
    given = {"phone_number_id": "106540352242922", "access_token": "t", "app_secret": SECRET}
    channel = tenancy.add_channel("bait", "meta", "+966110000001", given, out_per_minute=1000)
    templates.add(channel.id, READY)
    for n in range(6):
        sending.send("bait", f"+96650000000{n}", TEMPLATE, channel_id=channel.id)
    stage.provider.add("POST", META_SENDS, status=400, json={"error": {"code": 132000, "message": "params"}})
    stage.deliver()
    assert len(stage.provider.calls) == 3
    assert [row.status for row in stage.out()] == [Status.FAILED] * 3 + [Status.QUEUED] * 3
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "template paused"
    ]


def test_a_message_is_either_cancelled_or_sent_never_both(stage: Stage) -> None:
    """Faults row 54: whoever comes first: cancelled and never sent, or claimed and a conflict; also when both come at
    the same time."""
    ends = []
    for n in range(30):
        [message] = queue(stage, f"{n}")
        barrier = threading.Barrier(2)

        def cancels(message_id: int = message.id, barrier: threading.Barrier | None = barrier) -> bool:
            if barrier is not None:
                barrier.wait(30)
            try:
                retrying.cancel(None, message_id, actor="me")
            except errors.Conflict:
                return False
            return True

        with ThreadPoolExecutor(1) as pool:
            cancelled = pool.submit(cancels, barrier=barrier if n % 3 else None)
            if n % 3:
                barrier.wait(30)
            else:
                cancelled.result()
            stage.deliver()
        stage.deliver()
        ends.append((cancelled.result(), one_of(message).status, f"{n}" in texts(stage)))
    assert ends[::3] == [(True, Status.CANCELLED, False)] * 10
    assert set(ends) <= {(True, Status.CANCELLED, False), (False, Status.SENT, True)}
    with pytest.raises(errors.Conflict):
        retrying.cancel(None, Message.get(Message.status == Status.SENT).id, actor="me")
    assert len(journal()) == sum(cancelled for cancelled, _, _ in ends)


def texts(stage: Stage) -> list[str]:
    return [sent["message"]["text"] for sent in stage.sent]


def test_a_connection_that_its_peer_closed_between_sends_costs_nothing(wire: Wire) -> None:
    """Faults row 55: each send has a connection of its own, so that none is ever stale: the provider promises to keep
    its connections, and breaks one as soon as it is used again."""

    def breaks_when_used_again(connection: socket.socket) -> None:
        answered("201 Created", b'{"id": "sbx.1"}', "Connection: keep-alive")(connection)
        if connection.recv(65536):
            resets(connection)

    queue(wire.stage, "first", "second", "third")
    wire.meets(breaks_when_used_again)
    assert wire.stage.deliver() == 3
    assert {(row.status, row.attempts) for row in wire.stage.out()} == {(Status.SENT, 1)}
    assert len(wire.requests) == 3
