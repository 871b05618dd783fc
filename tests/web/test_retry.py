"""Sending again what failed: what a retry does to a message, and whom it passes over. Runs over many are in
test_retry_runs."""

from typing import Any

import pytest

from tests.core.conftest import PHONE
from tests.core.prices import load
from tests.web.conftest import Cast
from tests.web.ledger import DEAD, FAILED, SENT, WAITING, add, find, journal, statuses
from wabot import clock, words
from wabot.core import retrying, templates
from wabot.store import audit, consent, db, messages
from wabot.words import Status

RETRY = "/api/whatsapp/retry"


@pytest.fixture
def quiet(cast: Cast) -> Cast:
    """Both welcomes are sent."""
    cast.stage.deliver()
    cast.stage.sent.clear()
    return cast


def retry(cast: Cast, body: Any, who: str = "alice") -> Any:
    return cast.post(RETRY, body, who)


def refusal(cast: Cast, body: Any, who: str = "alice") -> tuple[int, str]:
    answer = retry(cast, body, who)
    return answer.status_code, answer.json["code"]


def attempts(cast: Cast, message_id: int) -> list[tuple[int, str]]:
    return [(attempt.n, attempt.by) for attempt in cast.stage.attempts() if attempt.message_id == message_id]


def dead(cast: Cast) -> int:
    """A message that has really been tried four times."""
    cast.stage.fails(400, "temporary")
    [made] = add(cast)
    cast.stage.deliver()
    for seconds in (6, 11, 16):
        cast.stage.later(seconds=seconds)
        cast.stage.deliver()
    assert find(made).status is Status.DEAD
    return made


def test_a_dead_message_gets_one_attempt_more_by_hand_and_no_new_plan(quiet: Cast) -> None:
    made = dead(quiet)
    answer = retry(quiet, {"logId": made})
    assert (answer.status_code, answer.json["retried"], answer.json["skipped"]) == (202, 1, [])
    [row] = answer.json["logs"]
    assert (row["id"], row["status"], row["retryCount"], row["isCritical"], row["errorCode"]) == (
        made, "queued", 3, False, None)  # fmt: skip
    quiet.stage.deliver()
    assert attempts(quiet, made) == [*((n, "auto") for n in (1, 2, 3, 4)), (5, "hand")]
    assert (find(made).status, find(made).retry_count, find(made).critical) == (Status.DEAD, 3, True)
    quiet.stage.later(hours=1)
    assert quiet.stage.deliver() == 0


def test_a_dead_message_that_goes_through_reads_sent(quiet: Cast) -> None:
    made = dead(quiet)
    quiet.stage.accepts()
    assert retry(quiet, {"logId": str(made)}).status_code == 202
    quiet.stage.deliver()
    row = quiet.get("/api/whatsapp/logs").json["logs"][0]
    assert (row["id"], row["status"], row["errorCode"], row["isCritical"]) == (made, "sent", None, False)
    assert row["attempts"][-1]["by"] == "hand"


def test_what_waits_for_its_retry_is_tried_now_and_goes_on_with_its_plan(quiet: Cast) -> None:
    quiet.stage.fails(400, "temporary")
    [made] = add(quiet)
    quiet.stage.deliver()
    assert quiet.stage.deliver() == 0
    assert retry(quiet, {"logId": made}).status_code == 202
    assert quiet.stage.deliver() == 1
    assert attempts(quiet, made) == [(1, "auto"), (2, "hand")]
    assert (find(made).status, find(made).retry_count, find(made).retry_due) == (Status.QUEUED, 1, True)
    quiet.stage.later(seconds=11)
    quiet.stage.deliver()
    assert attempts(quiet, made)[-1] == (3, "auto")


def test_a_throttled_retry_by_hand_does_not_end_the_plan(quiet: Cast) -> None:
    quiet.stage.fails(400, "temporary")
    [made] = add(quiet)
    quiet.stage.deliver()
    retry(quiet, {"logId": made})
    quiet.stage.fails(429, "throttled")
    quiet.stage.deliver()
    quiet.stage.fails(400, "temporary")
    quiet.stage.later(seconds=6)
    quiet.stage.deliver()
    assert (find(made).status, find(made).retry_due) == (Status.QUEUED, True)


def test_a_second_click_finds_nothing_that_failed(quiet: Cast) -> None:
    [made] = add(quiet, **DEAD)
    assert retry(quiet, {"logId": made}).status_code == 202
    assert refusal(quiet, {"logId": made}) == (409, "not_failed")
    assert quiet.stage.deliver() == 1


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("state", [{}, SENT, {"status": Status.DELIVERED, "due_at": None},
                                   {"status": Status.SUPPRESSED, "due_at": None, "error_code": "expired"}])  # fmt: skip
def test_what_has_not_failed_is_409_forced_or_not(quiet: Cast, state: dict[str, Any], force: bool) -> None:
    [made] = add(quiet, **state)
    before = find(made).status
    assert refusal(quiet, {"logId": made, "force": force}) == (409, "not_failed")
    assert find(made).status is before


@pytest.mark.parametrize("log_id", [10**9, 1 << 63, 10**45, 1])
def test_an_unknown_message_another_s_and_a_customer_s_own_are_404(quiet: Cast, log_id: int) -> None:
    add(quiet, **DEAD)
    theirs = retry(quiet, {"logId": add(quiet, slug="luma", **DEAD)[0]})
    unknown = retry(quiet, {"logId": log_id})
    assert (theirs.status_code, unknown.status_code) == (404, 404)
    assert theirs.json["error"] == unknown.json["error"]
    assert journal() == []


CANNOT_HELP = [("recipient", "invalid_number"), ("window", "window_closed"), ("permanent", "cannot_help"),
               ("maybe_sent", "maybe_sent"), ("poison", "poison"), ("too_long", "cannot_help"),
               ("http_404", "cannot_help")]  # fmt: skip


@pytest.mark.parametrize(("error_code", "code"), CANNOT_HELP)
def test_what_would_be_refused_again_is_422_unless_forced(quiet: Cast, error_code: str, code: str) -> None:
    quiet.stage.later(seconds=1)
    [made] = add(quiet, **{**FAILED, "error_code": error_code})
    assert refusal(quiet, {"logId": made}) == (422, code)
    assert find(made).status is Status.FAILED
    assert retry(quiet, {"logId": made, "force": True}).status_code == 202
    assert quiet.stage.deliver() == 1
    assert find(made).status is Status.SENT


@pytest.mark.parametrize("error_code", ["setup", "template", "temporary", "credentials", "unheard_of"])
def test_what_may_have_been_mended_meanwhile_is_sent_again(quiet: Cast, error_code: str) -> None:
    [made] = add(quiet, **{**FAILED, "error_code": error_code})
    assert retry(quiet, {"logId": made}).status_code == 202


@pytest.mark.parametrize("error_code", ["recipient", "window"])
def test_once_the_customer_has_written_again_the_window_is_open_and_the_number_good(
    quiet: Cast, error_code: str
) -> None:
    [made] = add(quiet, **{**FAILED, "error_code": error_code})
    assert refusal(quiet, {"logId": made})[0] == 422
    quiet.stage.later(seconds=5)
    quiet.stage.says("here I am")
    quiet.stage.read()
    assert retry(quiet, {"logId": made}).status_code == 202


def test_who_opted_out_meanwhile_is_left_alone_even_when_forced(quiet: Cast) -> None:
    [made] = add(quiet, **DEAD)
    customer_id, tenant_id = find(made).customer_id, quiet.tenant_id("bait")
    db.write(lambda: consent.opt_out(tenant_id, customer_id, "customer", clock.now()))
    assert refusal(quiet, {"logId": made}) == (422, "opted_out")
    retry(quiet, {"logId": made, "force": True})
    assert quiet.stage.deliver() == 0
    assert (find(made).status, find(made).error_code) == (Status.SUPPRESSED, "opted_out")


def test_after_the_window_has_closed_only_a_template_can_be_sent_again(quiet: Cast) -> None:
    [made] = add(quiet, **DEAD)
    quiet.stage.later(hours=25)
    assert refusal(quiet, {"logId": made}) == (422, "window_closed")


def test_a_spent_allowance_stops_no_message_that_it_already_counted(quiet: Cast) -> None:
    made = dead(quiet)
    db.write(lambda: db.run("UPDATE channel SET out_per_day = 1"))
    quiet.stage.accepts()
    assert retry(quiet, {"logId": made}).status_code == 202
    quiet.stage.deliver()
    assert find(made).status is Status.SENT


def test_a_template_that_the_operator_corrected_is_sent_by_its_new_name(quiet: Cast) -> None:
    templates.add(quiet.stage.channel.id, words.Template("ready", "en", "wrong-id", body="Order {{1}}"))
    draft = {"kind": "template", "template": {"name": "ready", "variables": {"1": "7"}}}
    quiet.stage.fails(400, "template")
    made = int(quiet.post("/api/restaurants/bait/messages", {"to": PHONE, **draft}).json["message"]["id"])
    quiet.stage.deliver()
    templates.add(quiet.stage.channel.id, words.Template("ready", "en", "right-id", body="Order {{1}}"))
    quiet.stage.accepts()
    assert retry(quiet, {"logId": made}).status_code == 202
    quiet.stage.deliver()
    assert quiet.stage.sent[-1]["message"]["template"]["provider_id"] == "right-id"
    assert quiet.stage.sent[-1]["message"]["template"]["variables"] == {"1": "7"}


def test_a_rejected_template_cannot_be_sent_again(quiet: Cast) -> None:
    row = templates.add(quiet.stage.channel.id, words.Template("offer", "en", "id", status="REJECTED", body="Hi"))
    [made] = add(quiet, **{**FAILED, "template_id": row.id})
    assert refusal(quiet, {"logId": made}) == (422, "template_unknown")


def test_many_by_their_ids_say_which_were_passed_over_and_why(quiet: Cast) -> None:
    [good], [sent], [hopeless] = (
        add(quiet, **DEAD),
        add(quiet, **SENT),
        add(quiet, **{**FAILED, "error_code": "recipient"}),
    )
    [theirs] = add(quiet, slug="luma", **DEAD)
    answer = retry(quiet, {"logIds": [good, sent, hopeless, theirs, 10**45, good]})
    assert (answer.status_code, answer.json["retried"]) == (202, 1)
    assert [row["id"] for row in answer.json["logs"]] == [good]
    assert {each["logId"]: each["code"] for each in answer.json["skipped"]} == {
        sent: "not_failed", hopeless: "invalid_number", theirs: "not_found", 10**45: "not_found"}  # fmt: skip
    assert all(each["reason"] for each in answer.json["skipped"])
    assert statuses([theirs]) == [Status.DEAD]
    run = quiet.get(f"{RETRY}/{answer.json['runId']}").json
    assert run == {"runId": answer.json["runId"], "total": 5, "done": 5, "retried": 1, "skipped": 4, "state": "done"}


def test_an_empty_body_is_all_that_failed_of_the_tenant_and_with_the_key_of_all(quiet: Cast) -> None:
    mine = [*add(quiet, **DEAD), *add(quiet, **FAILED), *add(quiet, **WAITING)]
    theirs = add(quiet, slug="luma", **DEAD)
    answer = retry(quiet, {})
    assert {row["id"] for row in answer.json["logs"]} == set(mine)
    assert statuses(theirs) == [Status.DEAD]
    everybody_s = retry(quiet, {}, "admin")
    assert {row["businessId"] for row in everybody_s.json["logs"]} == {"luma", "bait"}
    assert statuses(theirs) == [Status.QUEUED]


def test_a_filter_finds_by_state_type_time_customer_and_channel(quiet: Cast) -> None:
    [old] = add(quiet, **DEAD)
    quiet.stage.later(hours=3)
    [new] = add(quiet, purpose="order", **FAILED)

    def found(**asked: Any) -> int:
        answer = retry(quiet, {"filter": asked, "dryRun": True})
        assert set(answer.json) == {"matching", "outsideWindow", "estimatedCost"}
        return int(answer.json["matching"])

    assert found() == found(status="failed") == found(customer="Sara") == found(customer="51111") == 2
    assert found(status="dead") == found(type="reminder") == found(type="order") == found(since="2h") == 1
    assert found(customer="%") == found(type="none") == found(channelId=10**6) == found(since="2999-01-01") == 0
    assert found(channelId=quiet.stage.channel.id) == 2
    assert retry(quiet, {"filter": {"since": "2h"}}).json["logs"][0]["id"] == new
    assert statuses([old, new]) == [Status.DEAD, Status.QUEUED]


def test_a_dry_run_sends_nothing_and_says_for_how_many_the_window_has_closed(quiet: Cast) -> None:
    made = add(quiet, 3, **DEAD)
    quiet.stage.later(hours=25)
    answer = retry(quiet, {"filter": {}, "dryRun": True})
    assert (answer.status_code, answer.json) == (
        200, {"matching": 3, "outsideWindow": 3, "estimatedCost": None})  # fmt: skip
    assert set(statuses(made)) == {Status.DEAD}
    assert journal() == []


def test_a_dry_run_estimates_what_the_open_windows_would_cost(quiet: Cast) -> None:
    add(quiet, 3, **DEAD)
    [template] = add(quiet, **DEAD, kind="template")
    add(quiet, slug="luma", **DEAD)

    def estimated(who: str = "alice") -> Any:
        return retry(quiet, {"filter": {}, "dryRun": True}, who).json["estimatedCost"]

    assert estimated() is None
    load("service,*,2026-01-01,SAR,0.04,2")
    assert estimated() is None
    db.write(lambda: messages.change(template, category="utility"))
    load("utility,SA,2026-01-01,SAR,0.5,0")
    assert estimated() == {"amount": 0.54, "currency": "SAR"}
    assert estimated("bob") == {"amount": 0, "currency": "SAR"}
    assert estimated("admin") == {"amount": 0.54, "currency": "SAR"}
    quiet.stage.later(hours=25)
    assert estimated() == {"amount": 0.5, "currency": "SAR"}
    load("utility,SA,2026-01-01,USD,0.5,0")
    assert estimated() == {"amount": 0.5, "currency": "USD"}
    quiet.stage.later(hours=-25)
    assert estimated() is None


@pytest.mark.parametrize(
    ("body", "code"),
    [([], "bad_json"), ({"logIds": []}, "bad_request"), ({"logId": 0}, "bad_request"), ({"logId": "x"}, "bad_request"),
     ({"logId": 1, "filter": {}}, "bad_request"), ({"logIds": [1] * 1001}, "bad_request"),
     ({"all": True}, "bad_request"), ({"filter": {"status": "sent"}}, "bad_status"),
     ({"filter": {"since": "soon"}}, "bad_since"), ({"filter": {"colour": "red"}}, "bad_request"),
     ({"force": "yes"}, "bad_request"), ({"dryRun": 1}, "bad_request")],
)  # fmt: skip
def test_a_bad_body_is_400_and_retries_nothing(quiet: Cast, body: Any, code: str) -> None:
    made = add(quiet, **DEAD)
    assert refusal(quiet, body) == (400, code)
    assert statuses(made) == [Status.DEAD]


def test_the_operator_can_retry_one_tenant_s_and_a_tenant_nobody_else_s(quiet: Cast) -> None:
    [mine], [theirs] = add(quiet, **DEAD), add(quiet, slug="luma", **DEAD)
    assert refusal(quiet, {"filter": {"businessId": "luma"}}) == (404, "not_found")
    assert refusal(quiet, {"filter": {"businessId": "nowhere"}}, "admin") == (404, "not_found")
    assert retry(quiet, {"filter": {"businessId": "luma"}}, "admin").json["retried"] == 1
    assert statuses([mine, theirs]) == [Status.DEAD, Status.QUEUED]


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("carol", 401), ("vera", 403)])
def test_who_may_not_retry(quiet: Cast, who: str, status: int) -> None:
    made = add(quiet, **DEAD)
    assert retry(quiet, {}, who).status_code == status
    assert statuses(made) == [Status.DEAD]


def test_each_retry_is_in_the_journal_with_who_asked_for_it(quiet: Cast) -> None:
    one, two = add(quiet, 2, **DEAD)
    run_id = retry(quiet, {"logId": one}).json["runId"]
    many = retry(quiet, {}, "admin").json["runId"]
    hint = quiet.tokens["alice"][-4:]
    assert journal() == [(f"token {hint}", "retry", "bait", f"message {one}"),
                         ("admin key", "retry many", "", f"run {many}: 1 messages")]  # fmt: skip
    assert quiet.get(f"{RETRY}/{run_id}").json["state"] == "done"
    assert find(two).status is Status.QUEUED


def test_the_journal_can_only_grow(quiet: Cast) -> None:
    db.write(lambda: audit.note("retry", clock.now(), actor="x"))
    with pytest.raises(Exception, match="append-only"):
        db.write(lambda: db.run("UPDATE audit SET actor = 'y'"))


def test_giving_up_is_for_failed_messages_and_for_good(quiet: Cast) -> None:
    [made], [sent] = add(quiet, **DEAD), add(quiet, **SENT)
    retrying.discard(None, made, actor="me")
    assert (find(made).status, find(made).critical) == (Status.CANCELLED, False)
    assert refusal(quiet, {"logId": made, "force": True}) == (409, "not_failed")
    with pytest.raises(Exception, match="has not failed"):
        retrying.discard(None, sent, actor="me")
    assert journal() == [("me", "discard", "bait", f"message {made}")]
