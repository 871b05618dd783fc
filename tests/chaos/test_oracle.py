"""The oracle is believed because each invariant is shown broken here: small histories, made by hand."""

from collections.abc import Callable

import pytest

from tests.chaos import oracle
from tests.chaos.histories import (
    AT,
    IN,
    MS,
    NEW,
    OTHER_PHONE,
    OUT,
    PHONE,
    Made,
    a_customers_message,
    a_message,
    a_send,
    a_status,
    a_webhook,
    an_attempt,
    gauges,
    good,
)
from tests.chaos.history import History


def broken(history: Made) -> set[str]:
    return {violation.invariant for violation in oracle.judge(History(**history))}


def test_a_history_in_which_all_went_well_breaks_nothing() -> None:
    assert broken(good()) == set()


Break = Callable[[Made], None]
BREAKS: list[tuple[str, str, Break]] = []


def breaks(*invariants: str) -> Callable[[Break], Break]:
    """A way to break a good history, and the invariants that are broken then."""

    def note(change: Break) -> Break:
        BREAKS.append((change.__name__, " ".join(invariants), change))
        return change

    return note


@breaks("I1")
def a_message_that_was_answered_200_is_not_in_the_file(made: Made) -> None:
    made["journal"] += a_customers_message("wamid.9")


@breaks("I1", "I8")
def a_message_is_in_the_file_twice(made: Made) -> None:
    made["messages"].append(a_message(3, "IN", provider_message_id="wamid.1"))


@breaks("I1", "I8")
def a_message_is_in_the_file_that_nobody_wrote(made: Made) -> None:
    made["messages"].append(a_message(3, "IN"))


@breaks("I1")
def an_unreadable_message_is_not_in_quarantine(made: Made) -> None:
    made["journal"] += a_customers_message("wamid.bad", bad=True)


@breaks("I1")
def an_unreadable_message_is_in_quarantine_twice(made: Made) -> None:
    made["journal"] += a_customers_message("wamid.bad", bad=True)
    made["webhooks"] = [a_webhook(n, verdict="quarantined", body="… wamid.bad …") for n in (2, 3)]
    made["metrics"] = [gauges(**{NEW: 2})]


@breaks("I1")
def a_webhook_is_never_read(made: Made) -> None:
    made["webhooks"] = [a_webhook(1, reading="pending")]


@breaks("I1")
def a_customer_is_never_answered(made: Made) -> None:
    made["messages"][0]["answer_due_at"] = MS


@breaks("I1")
def a_send_that_was_answered_202_is_not_in_the_outbox(made: Made) -> None:
    made["asked"] = [{"key": "agent-1", "tenant": "amber", "status": 202}]


@breaks("I2")
def a_claim_outlives_its_lease(made: Made) -> None:
    made["attempts"][0]["lease_until"] = MS


@breaks("I2", "I4", "I8")
def a_message_is_left_unknown(made: Made) -> None:
    made["messages"][1]["status"] = "unknown"


@breaks("I2")
def a_message_counts_as_sent_that_the_provider_never_had(made: Made) -> None:
    made["messages"].append(a_message(3, "OUT", status="delivered"))
    made["metrics"] = [gauges(**{OUT: 2})]


def send_again(made: Made, at: float) -> None:
    made["journal"].append(a_send(2, at))
    made["attempts"].append(an_attempt(2, 2, 2, rank=1, status="sent"))


@breaks("I3")
def a_message_is_sent_again_though_nothing_was_told(made: Made) -> None:
    send_again(made, AT + 5)


@breaks("I3")
def a_message_is_sent_again_before_the_failure_is_told(made: Made) -> None:
    send_again(made, AT + 5)
    made["journal"] += a_status("sent.1", "failed", AT + 6)


@breaks("I3")
def a_message_is_resent_twice_for_one_unknown(made: Made) -> None:
    send_again(made, AT + 5)
    made["messages"][1]["resent_unknown"] = 1
    made["journal"].append(a_send(3, AT + 6))
    made["attempts"].append(an_attempt(3, 2, 3, rank=1, status="sent"))


@breaks("I3")
def an_unknown_is_resent_where_nothing_is_echoed(made: Made) -> None:
    made["channels"][0]["provider"] = "gupshup"
    made["messages"][1]["resent_unknown"] = 1


@breaks("I3")
def one_attempt_is_accepted_twice(made: Made) -> None:
    made["journal"].append(a_send(1, AT + 5, id="sent.1b"))
    made["hands"] = [2]


@breaks("I3")
def something_is_sent_without_an_attempt(made: Made) -> None:
    made["journal"].append(a_send(1, AT + 5, ref="uid9.1", id="sent.9"))


@breaks("I4")
def a_rank_decreases(made: Made) -> None:
    made["ranks"] = {(1, MS): [1, 3, 2]}


@breaks("I4")
def an_attempt_has_not_the_rank_that_was_told(made: Made) -> None:
    made["journal"] += a_status("sent.1", "read", AT + 3)


@breaks("I4")
def an_attempt_has_a_rank_that_nobody_told(made: Made) -> None:
    made["attempts"][0]["rank"] = 4


@breaks("I4", "I8")
def a_message_hides_that_it_was_delivered(made: Made) -> None:
    made["messages"][1]["status"] = "failed"


def stop(made: Made, read_at: int) -> None:
    made["journal"] += a_customers_message("wamid.5", word="stop")
    made["messages"].append(a_message(5, "IN"))
    made["webhooks"].append(a_webhook(5, read_at=read_at))
    made["metrics"] = [gauges(**{IN: 2, NEW: 2})]


@breaks("I5")
def something_is_claimed_after_stop_was_read(made: Made) -> None:
    stop(made, MS + 500)


@breaks("I5")
def something_free_form_goes_out_of_the_window(made: Made) -> None:
    made["messages"][0]["event_at"] = MS - 25 * 3600 * 1000


@breaks("I5")
def a_text_goes_as_a_template(made: Made) -> None:
    made["journal"] = [line | {"template": True} if line["what"] == "sent" else line for line in made["journal"]]


@breaks("I6")
def a_send_goes_from_anothers_number(made: Made) -> None:
    made["journal"] = [line | {"channel": "+2"} if line["what"] == "sent" else line for line in made["journal"]]


@breaks("I6")
def a_send_goes_to_somebody_else(made: Made) -> None:
    made["journal"] = [line | {"to": OTHER_PHONE} if line["what"] == "sent" else line for line in made["journal"]]


@breaks("I6")
def a_call_has_the_wrong_credentials(made: Made) -> None:
    made["journal"].append({"what": "wrong", "t": AT, "url": "/1/messages", "why": "token of another"})


@breaks("I6")
def a_tenant_reads_anothers_conversation(made: Made) -> None:
    probe = {"tenant": "amber", "owner": "basil", "path": "/restaurants/basil/conversations", "status": 200, "body": ""}
    made["probes"] = [probe]


@breaks("I6")
def a_tenants_list_has_words_written_to_another(made: Made) -> None:
    made["seen"] = {"amber": "… quokka-basil-7 …"}


@breaks("I7")
def the_file_is_damaged(made: Made) -> None:
    made["integrity"] = ("row 5 missing from index",)


@breaks("I7")
def a_row_refers_to_nothing(made: Made) -> None:
    made["orphans"] = ("('message', 5, 'channel', 0)",)


@breaks("I7")
def the_file_takes_no_writes(made: Made) -> None:
    made["opens"] = "CannotWrite"


@breaks("I8")
def a_gauge_is_not_what_the_table_says(made: Made) -> None:
    made["metrics"] = [gauges(wabot_dead_letters=1)]


@breaks("I8")
def a_counter_goes_back(made: Made) -> None:
    made["metrics"] = [gauges(wabot_send_seconds_count=9), gauges(wabot_send_seconds_count=8)]


@breaks("I8")
def a_duplicate_was_not_counted(made: Made) -> None:
    made["webhooks"][0]["duplicates"] = 1


@breaks("I8")
def a_counter_is_not_its_tally(made: Made) -> None:
    made["tallies"] = [{"series": NEW, "value": 2}]


@breaks("I9")
def a_secret_is_in_a_log(made: Made) -> None:
    made["texts"] = {"consumer.log": "Bearer hush-hush"}


@breaks("I9")
def a_number_is_in_an_address(made: Made) -> None:
    made["journal"] = [line | {"url": f"/{PHONE}"} if line["what"] == "sent" else line for line in made["journal"]]


@breaks("I9")
def a_customers_words_are_on_an_error_page(made: Made) -> None:
    made["texts"] = {"404": "no such thing: quokka-amber-1"}


@pytest.mark.parametrize(("name", "expected", "change"), BREAKS, ids=[name for name, _, _ in BREAKS])
def test_it_is_reported_that(name: str, expected: str, change: Break) -> None:
    made = good()
    change(made)
    assert broken(made) == set(expected.split())


def test_what_was_never_answered_need_not_be_there() -> None:
    made = good()
    made["journal"] += a_customers_message("wamid.9", answer=None) + a_customers_message("wamid.8", answer=503)
    assert broken(made) == set()


def test_a_further_send_is_right_after_a_failure_by_hand_and_once_where_it_is_flagged() -> None:
    failed, forced, flagged = good(), good(), good()
    failed["journal"][:] = [line for line in failed["journal"] if line["what"] != "status"]
    failed["journal"] += a_status("sent.1", "undelivered", AT + 4)
    failed["attempts"][0] |= {"rank": 1, "status": "undelivered"}
    forced["hands"] = [2]
    flagged["messages"][1]["resent_unknown"] = 1
    for made in (failed, forced, flagged):
        send_again(made, AT + 5)
        assert broken(made) == set()


def test_what_was_in_the_providers_hands_at_the_stop_is_right() -> None:
    made = good()
    stop(made, MS + 1000)
    assert broken(made) == set()


def test_after_start_sends_are_right() -> None:
    made = good()
    stop(made, MS + 100)
    made["journal"] += a_customers_message("wamid.6", word="start")
    made["messages"].append(a_message(6, "IN"))
    made["webhooks"].append(a_webhook(6, read_at=MS + 200))
    made["metrics"] = [gauges(**{IN: 3, NEW: 3})]
    assert broken(made) == set()


def test_a_stop_is_compared_over_a_jump_of_the_clock() -> None:
    """The claim was made six hours ahead, half a second before the STOP was read with the clock back."""
    made = good()
    stop(made, MS + 2000)
    made["offsets"] = [(AT - 100, 0.0), (AT + 0.5, 21600.0), (AT + 1.4, 0.0)]
    made["attempts"][0]["started_at"] = MS + 1000 + 21_600_000
    assert broken(made) == set()


def test_a_start_near_a_jump_is_not_overlooked() -> None:
    """By its moment alone the claim may have been before the START was read, or five seconds after."""
    made = good()
    stop(made, MS - 10_000)
    made["journal"] += a_customers_message("wamid.6", word="start")
    made["messages"].append(a_message(6, "IN"))
    made["webhooks"].append(a_webhook(6, read_at=MS - 1000))
    made["metrics"] = [gauges(**{IN: 3, NEW: 3})]
    made["offsets"] = [(AT - 100, 0.0), (AT - 5, 5.0), (AT - 3, 0.0)]
    assert broken(made) == set()


def test_a_send_that_names_no_attempt_is_found_though_the_clock_went_back_meanwhile() -> None:
    made = good()
    made["channels"][0]["provider"] = "gupshup"
    made["journal"] = [line | {"ref": ""} if line["what"] == "sent" else line for line in made["journal"]]
    made["journal"] = [line for line in made["journal"] if line["what"] != "status"]
    made["offsets"] = [(AT - 100, 20.0), (AT + 1.15, 0.0)]
    lost = {"started_at": MS + 21_000, "settled_at": MS + 1200, "provider_message_id": None, "rank": 0}
    made["attempts"][0] |= lost | {"status": "unknown"}
    made["messages"][1] |= {"status": "dead", "provider_message_id": None}
    made["metrics"] = [gauges(**{OUT: 0, OUT.replace("delivered", "dead"): 1, "wabot_dead_letters": 1})]
    assert broken(made) == set()
