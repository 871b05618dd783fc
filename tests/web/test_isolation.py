"""Every route, tried by everybody with another tenant's ids. A new route must say here what it is."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.routing import Rule

from tests.web.conftest import Cast
from wabot import clock
from wabot.core import ordering
from wabot.store import db, media
from wabot.store.customers import Conversation
from wabot.store.media import Media
from wabot.store.messages import Message
from wabot.store.orders import Order
from wabot.store.pulls import UsageRun
from wabot.store.schedules import Schedule
from wabot.web import create_app
from wabot.words import Direction, Line, OrderType, PaymentMethod, Status, Wish

OPEN = {
    "webhooks.shared": "verified by signature",
    "webhooks.of_channel": "verified by signature",
    "webhooks.of_orders": "whoever knows the unguessable key; nothing is shown",
    "files.fetch": "whoever knows the unguessable key; only what a tenant uploaded to be sent",
    "api.confirmation.show": "whoever knows the unguessable token; only whether it was sent",
    "confirmation.page": "the same",
    "api.cron.retry": "whoever has CRON_SECRET; only counts",
    "health.health": "anyone; details only for the operator",
    "health.live": "anyone",
    "metrics.metrics": "this machine and the operator; no label names a tenant",
    "static": "files of ours",
}
OWN_WAY = {"sandbox": "tests/web/test_sandbox_page.py: demo only, and sandbox channels only"}
"""Routes that show no tenant's data to a credential, with the reason."""


@dataclass(frozen=True)
class Route:
    """How a route is called well: `body` is JSON or bytes, `{…}` the caller's; `done` what that is answered with."""

    path: str
    method: str = "GET"
    body: Any = None
    done: int = 200
    for_operator: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET"


SLUG = "/api/restaurants/{slug}"
OF_A_TENANT = {
    "api.conversations.conversations": Route(f"{SLUG}/conversations", for_operator=True),
    "api.conversations.history": Route(f"{SLUG}/conversations/{{conversation}}/messages", for_operator=True),
    "api.conversations.send": Route(f"{SLUG}/conversations/{{conversation}}/send", "POST", {"message": "hi"}, 202),
    "api.conversations.change": Route(f"{SLUG}/conversations/{{conversation}}", "PATCH", {"isBotActive": False}),
    "api.media.download": Route(f"{SLUG}/media/{{media}}"),
    "api.media.upload": Route(f"{SLUG}/media", "POST", b"bytes", 201),
    "api.messages.send": Route(f"{SLUG}/messages", "POST", {"to": "{customer}", "message": "hi"}, 202),
    "api.messages.cancel": Route(f"{SLUG}/messages/{{message}}", "DELETE"),
    "api.orders.orders": Route(f"{SLUG}/orders", for_operator=True),
    "api.orders.move": Route(f"{SLUG}/orders/{{order}}/status", "PATCH", {"status": "PREPARING"}, for_operator=True),
    "api.statistics.analytics": Route(f"{SLUG}/analytics", for_operator=True),
    "api.templates.of_tenant": Route(f"{SLUG}/templates", for_operator=True),
    "api.usage.check": Route("/api/usage/{slug}/check", for_operator=True),
    "api.usage.costs": Route("/api/usage/{slug}/costs", for_operator=True),
    "api.usage.daily": Route("/api/usage/{slug}/daily", for_operator=True),
    "api.usage.monthly": Route("/api/usage/{slug}/monthly", for_operator=True),
}
"""Routes that name a tenant."""
OF_THE_CALLER = {
    "api.logs.of_tenant": Route("/api/whatsapp/logs", for_operator=True),
    "api.statistics.stats": Route("/api/stats", for_operator=True),
    "api.usage.overview": Route("/api/usage", for_operator=True),
    "api.retries.retry": Route("/api/whatsapp/retry", "POST", {}, 202, for_operator=True),
    "api.retries.progress": Route("/api/whatsapp/retry/{run}", for_operator=True),
    "api.retries.stop": Route("/api/whatsapp/retry/{run}", "DELETE", for_operator=True),
}
"""Routes that name none: a credential's own tenant, and for the operator all."""
OF_THE_OPERATOR = {
    "api.logs.of_all": Route("/api/admin/whatsapp-logs", for_operator=True),
    "api.usage.of_tenant": Route("/api/usage/{slug}", for_operator=True),
    "api.usage_jobs.jobs": Route("/api/usage/jobs", for_operator=True),
    "api.usage_jobs.schedule": Route("/api/usage/jobs/{slug}", "PUT", {"cron": "0 7 * * *"}, for_operator=True),
    "api.usage_jobs.unschedule": Route("/api/usage/jobs/{slug}", "DELETE", done=204, for_operator=True),
    "api.usage_jobs.run": Route("/api/usage/{slug}/run", "POST", {}, 202, for_operator=True),
}

ALL = OF_A_TENANT | OF_THE_CALLER | OF_THE_OPERATOR
WRITING = [name for name, route in ALL.items() if route.writes]
OWN_ONLY = [name for name, route in OF_A_TENANT.items() if not route.for_operator]
NAMING_SOMETHING = [name for name, route in OF_A_TENANT.items() if re.search(r"\{(?!slug)", route.path)]
CUSTOMERS = {"bait": "+966511111111", "luma": "+447700900999"}
NOTHING = 10**15
TOO_BIG = 10**45


def rules() -> list[Rule]:
    return list(create_app().url_map.iter_rules())


def path(cast: Cast, endpoint: str, slug: str, ids_of: str) -> str:
    """The route's address under this tenant's name, with the ids of things of that one."""
    conversation, file = cast.conversation_id(ids_of), file_of(cast, ids_of)
    return ALL[endpoint].path.format(
        slug=slug,
        conversation=conversation,
        media=file,
        message=queued(cast, ids_of),
        order=order_of(cast, ids_of),
        run=NOTHING,
    )


def file_of(cast: Cast, slug: str) -> int:
    """A file that the tenant uploaded."""
    found = Media.select().where(Media.tenant_id == cast.tenant_id(slug)).first()
    return int(found.id if found else cast.upload(f"a file of {slug}".encode(), "text/plain", slug).json["mediaId"])


def order_of(cast: Cast, slug: str) -> int:
    """An order of the tenant."""
    conversation = Conversation.get_by_id(cast.conversation_id(slug))
    line = Line("juice", {"en": "Juice"}, 800)
    wish = Wish(OrderType.DELIVERY, (line,), PaymentMethod.CASH)
    return db.write(lambda: int(ordering.place(conversation, wish, key="answer:1", now=clock.now()).id))


def queued(cast: Cast, slug: str) -> int:
    """A message of the tenant that waits to be sent."""
    waiting = (Message.tenant == cast.tenant_id(slug)) & (Message.direction == Direction.OUT)
    return int(Message.get(waiting & (Message.status == Status.QUEUED)).id)


def call(cast: Cast, endpoint: str, url: str, who: str) -> Any:
    """What this route is for, done by this caller."""
    route, headers = ALL[endpoint], cast.headers(who)
    if isinstance(route.body, bytes):
        return cast.client.post(url, data=route.body, headers={**headers, "Content-Type": "image/png"})
    body = route.body
    if body and "to" in body:
        body = {**body, "to": CUSTOMERS["luma" if who == "bob" else "bait"]}
    return cast.client.open(url, method=route.method, json=body, headers=headers)


def rows() -> list[tuple[Any, ...]]:
    """What a caller could have changed."""
    changeable = [(row.id, row.status) for row in Message.select().order_by(Message.id)]
    moved = [(row.id, row.status) for row in Order.select().order_by(Order.id)]
    schedules = [(row.cron, row.enabled) for row in Schedule.select().order_by(Schedule.id)]
    told = [(row.id, row.state, row.bot_active, row.unread) for row in Conversation.select().order_by(Conversation.id)]
    return [*changeable, *moved, *schedules, *told, (Media.select().count(), UsageRun.select().count())]


@pytest.mark.parametrize("rule", rules(), ids=str)
def test_every_route_says_who_may_call_it(rule: Rule) -> None:
    own_way = rule.endpoint.partition(".")[0] in OWN_WAY
    assert rule.endpoint in OPEN or rule.endpoint in ALL or own_way, f"{rule} is not in the isolation test"


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.endpoint in ALL], ids=str)
def test_every_route_is_tried_by_its_own_method(rule: Rule) -> None:
    assert {"GET", "HEAD", "OPTIONS", ALL[rule.endpoint].method} >= (rule.methods or set())
    assert ALL[rule.endpoint].method in (rule.methods or set())


@pytest.mark.parametrize("endpoint", OF_A_TENANT)
def test_the_owner_may(cast: Cast, endpoint: str) -> None:
    answer = call(cast, endpoint, path(cast, endpoint, "bait", "bait"), "alice")
    assert answer.status_code == ALL[endpoint].done


@pytest.mark.parametrize(
    "endpoint", [name for name, route in ALL.items() if route.for_operator and "{run}" not in route.path]
)
def test_the_operator_may_where_it_is_for_the_operator_too(cast: Cast, endpoint: str) -> None:
    answer = call(cast, endpoint, path(cast, endpoint, "bait", "bait"), "admin")
    assert answer.status_code == ALL[endpoint].done


@pytest.mark.parametrize("endpoint", OWN_ONLY)
def test_the_operator_has_no_business_in_what_is_the_tenant_s_own(cast: Cast, endpoint: str) -> None:
    for slug in ("bait", "nowhere"):
        url = path(cast, endpoint, slug, "bait")
        before = rows()
        answer = call(cast, endpoint, url, "admin")
        assert (answer.status_code, answer.json["code"], rows()) == (403, "forbidden", before)


@pytest.mark.parametrize("endpoint", OF_THE_OPERATOR)
@pytest.mark.parametrize("who", ["alice", "vera"])
def test_a_tenant_has_no_business_in_what_is_the_operator_s(cast: Cast, endpoint: str, who: str) -> None:
    answer = call(cast, endpoint, path(cast, endpoint, "bait", "bait"), who)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize("endpoint", WRITING)
def test_a_read_only_token_writes_nothing(cast: Cast, endpoint: str) -> None:
    url = path(cast, endpoint, "bait", "bait")
    before = rows()
    answer = call(cast, endpoint, url, "vera")
    assert (answer.status_code, answer.json["code"], rows()) == (403, "forbidden", before)


@pytest.mark.parametrize("endpoint", [name for name, route in OF_A_TENANT.items() if not route.writes])
def test_a_read_only_token_reads(cast: Cast, endpoint: str) -> None:
    assert call(cast, endpoint, path(cast, endpoint, "bait", "bait"), "vera").status_code == 200


@pytest.mark.parametrize("endpoint", ALL)
@pytest.mark.parametrize("who", ["nobody", "carol"])
def test_without_a_good_credential_it_is_401(cast: Cast, endpoint: str, who: str) -> None:
    for slug in ("bait", "nowhere"):
        url = path(cast, endpoint, slug, "bait")
        before = rows()
        answer = call(cast, endpoint, url, who)
        assert (answer.status_code, answer.json["code"], rows()) == (401, "unauthorized", before)


@pytest.mark.parametrize("endpoint", OF_A_TENANT)
def test_another_tenant_s_and_an_unknown_one_are_the_same_404(cast: Cast, endpoint: str) -> None:
    urls = [path(cast, endpoint, slug, "bait") for slug in ("bait", "nowhere")]
    before = rows()
    theirs, unknown = (call(cast, endpoint, url, "bob") for url in urls)
    assert (theirs.status_code, unknown.status_code) == (404, 404)
    assert theirs.json["error"] == unknown.json["error"]
    assert rows() == before


@pytest.mark.parametrize("endpoint", NAMING_SOMETHING)
def test_another_tenant_s_thing_under_one_s_own_slug_is_404(cast: Cast, endpoint: str) -> None:
    theirs = path(cast, endpoint, "luma", "bait")
    unknown = [
        OF_A_TENANT[endpoint].path.format(slug="luma", conversation=n, media=n, message=n, order=n)
        for n in (NOTHING, TOO_BIG)
    ]
    before = rows()
    answers = [call(cast, endpoint, url, "bob") for url in (theirs, *unknown)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.json["error"] for answer in answers}) == 1
    assert rows() == before


@pytest.mark.parametrize("endpoint", [name for name in NAMING_SOMETHING if name not in OWN_ONLY])
def test_nor_does_the_operator_find_it_there(cast: Cast, endpoint: str) -> None:
    assert call(cast, endpoint, path(cast, endpoint, "luma", "bait"), "admin").status_code == 404


@pytest.mark.parametrize(
    "endpoint",
    [*OF_A_TENANT, "api.logs.of_tenant", "api.retries.retry", "api.usage.overview", "api.statistics.stats"],
)
def test_nothing_of_one_tenant_is_in_the_other_s_answers(cast: Cast, endpoint: str) -> None:
    file_of(cast, "bait")
    answer = call(cast, endpoint, path(cast, endpoint, "luma", "luma"), "bob")
    assert answer.status_code == ALL[endpoint].done
    assert len(answer.data) > 0
    assert b"bait" not in answer.data
    assert b"966511111111" not in answer.data


@pytest.mark.parametrize("endpoint", ALL)
def test_a_secret_in_the_address_is_refused_even_from_the_owner(cast: Cast, endpoint: str) -> None:
    url = path(cast, endpoint, "bait", "bait") + f"?token={cast.tokens['alice']}"
    before = rows()
    answer = call(cast, endpoint, url, "alice")
    assert (answer.status_code, answer.json["code"], rows()) == (400, "secret_in_query", before)


@pytest.mark.parametrize("endpoint", OF_A_TENANT | OF_THE_CALLER)
def test_a_suspended_tenant_may_do_nothing(cast: Cast, endpoint: str) -> None:
    url = path(cast, endpoint, "bait", "bait")
    cast.suspend("bait")
    before = rows()
    answer = call(cast, endpoint, url, "alice")
    assert (answer.status_code, answer.json["code"], rows()) == (403, "tenant_suspended", before)


@pytest.mark.parametrize("query", ["businessId=bait", "businessId=nowhere"])
def test_another_tenant_s_log_and_an_unknown_one_s_are_the_same_404(cast: Cast, query: str) -> None:
    answer = cast.get(f"/api/whatsapp/logs?{query}", "bob")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_another_tenant_s_message_cannot_be_sent_again(cast: Cast) -> None:
    theirs = queued(cast, "bait")
    before = rows()
    answers = [cast.post("/api/whatsapp/retry", {"logId": log_id}, "bob") for log_id in (theirs, NOTHING, TOO_BIG)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.json["error"] for answer in answers}) == 1
    assert rows() == before


@pytest.mark.parametrize("endpoint", ["api.retries.progress", "api.retries.stop"])
def test_a_run_that_is_nobody_s_is_404(cast: Cast, endpoint: str) -> None:
    for run in (NOTHING, TOO_BIG):
        answer = call(cast, endpoint, ALL[endpoint].path.format(run=run), "bob")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_another_tenant_s_file_cannot_be_sent_from_one_s_own_conversation(cast: Cast) -> None:
    draft = {"kind": "media", "media": {"type": "document", "mediaId": file_of(cast, "bait")}}
    url = path(cast, "api.conversations.send", "luma", "luma")
    before = rows()
    theirs = cast.post(url, draft, "bob")
    draft["media"] = {"type": "document", "mediaId": 10**15}
    unknown = cast.post(url, draft, "bob")
    for answer in (theirs, unknown):
        assert (answer.status_code, answer.json["code"]) == (422, "media_unknown")
    assert theirs.json["error"] == unknown.json["error"]
    assert rows() == before


def test_another_tenant_s_channel_cannot_be_sent_by(cast: Cast) -> None:
    url = path(cast, "api.conversations.send", "luma", "luma")
    before = rows()
    answer = cast.post(url, {"message": "hi", "channelId": cast.stage.channel.id}, "bob")
    assert (answer.status_code, answer.json["code"], rows()) == (422, "no_channel", before)


def test_a_tenant_s_files_are_found_by_that_tenant_alone(cast: Cast) -> None:
    ids = {slug: file_of(cast, slug) for slug in ("bait", "luma")}
    assert media.find(cast.tenant_id("luma"), ids["bait"]) is None
    assert media.find(cast.tenant_id("bait"), ids["bait"]) is not None
