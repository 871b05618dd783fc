"""The sandbox's page and its API: who may use them, what they show, and that hostile text stays text. One
test drives the page in a browser against real processes."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect, sync_playwright

from tests.core.conftest import API, PHONE, SECRET, Stage
from tests.spine.stack import Stack
from wabot import clock, config, words
from wabot.core import sandbox, sandbox_files, tenancy
from wabot.store import db, menus, tenants
from wabot.store.sandbox import Carried, Switches
from wabot.store.tenants import Channel
from wabot.web import create_app, sandbox_texts

WEB = Path(create_app().root_path)
OURS = {"X-Requested-With": "wabot-sandbox"}
HOSTILE = "<img src=x onerror=alert(1)>'\"</script>"
PAGE_RULES = [rule for rule in create_app().url_map.iter_rules() if rule.endpoint.startswith("sandbox.")]
ROUTES = [(rule.rule, "POST" if "POST" in (rule.methods or ()) else "GET") for rule in PAGE_RULES]
GUARDED = [route for route in ROUTES if "/api/" not in route[0]]
CHANGING = [path for path, method in GUARDED if method == "POST"]
UPLOAD, FILE = "/sandbox/media", "/sandbox/media/<key>"
OF_A_CHANNEL = [route for route in GUARDED if route[0] not in ("/sandbox", FILE)]


@pytest.fixture
def demo(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A demo on this machine, with the sandbox's deliveries coming back to us."""
    monkeypatch.setenv("WABOT_DEMO", "1")
    stage.provider.reset()
    stage.provider.add_callback("POST", API, callback=_to_us(stage))
    stage.provider.add_callback("POST", re.compile(r"http://provider\.test/webhooks/.*"), callback=_to_us(stage))
    return stage


def _to_us(stage: Stage) -> Callable[[Any], tuple[int, dict[str, str], bytes]]:
    def forward(request: Any) -> tuple[int, dict[str, str], bytes]:
        sent = stage.client.post(request.path_url, data=request.body, headers=dict(request.headers))
        return sent.status_code, {}, sent.data

    return forward


def run(stage: Stage) -> None:
    """Do everything that is due, on both sides of the wire."""
    for _ in range(2):
        stage.later(seconds=1)
        while sandbox.carry_next():
            continue
        stage.answer()
        stage.deliver()


def body_for(stage: Stage, **values: Any) -> dict[str, Any]:
    """A body that every changing route takes."""
    return {"channel": stage.channel.id, "phone": PHONE, "name": "Sara", "text": "hello", "switches": {}, **values}


def ask(stage: Stage, path: str, method: str, headers: dict[str, str] | None = None, **values: Any) -> Any:
    """A request that any route of the page takes from us, with these headers over ours."""
    body = body_for(stage, **values)
    key = sandbox_files.keep(stage.channel.id, b"a picture", "image/png", "a.png").key
    query = {"channel": str(body["channel"]), "phone": PHONE}
    uploads = path == UPLOAD
    content = {"Content-Type": "application/octet-stream" if uploads else "application/json"}
    data = b"a picture" if uploads else json.dumps(body).encode()
    sent = {**content, **OURS, **(headers or {})}
    return stage.client.open(path.replace("<key>", key), method=method, query_string=query, headers=sent, data=data)


def files() -> int:
    """How many files the sandbox keeps."""
    return int(db.rows("SELECT count(*) FROM sandbox_media")[0][0])


def post(client: FlaskClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"/sandbox/{path}", json=body, headers={**OURS, **headers})


def say(stage: Stage, text: str = "hello", **values: Any) -> Any:
    return post(stage.client, "say", body_for(stage, text=text, **values))


def thread(stage: Stage, phone: str = PHONE) -> Any:
    answer = stage.client.get("/sandbox/thread", query_string={"channel": stage.channel.id, "phone": phone})
    assert answer.status_code == 200, answer.text
    return answer.json


def bubbles(stage: Stage) -> list[tuple[str, str, str]]:
    return [(one["from"], one["tick"], one["content"]["kind"]) for one in thread(stage)["messages"]]


# --- who may ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_outside_a_demo_there_is_no_such_page(stage: Stage, path: str, method: str) -> None:
    assert ask(stage, path, method).status_code == 404


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_in_a_demo_every_route_of_the_page_answers(demo: Stage, path: str, method: str) -> None:
    assert ask(demo, path, method).status_code < 300


@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_a_demo_with_a_public_address_has_no_such_page(
    demo: Stage, monkeypatch: pytest.MonkeyPatch, path: str, method: str
) -> None:
    monkeypatch.setenv("WABOT_PUBLIC_URL", "https://bot.example.com")
    config.settings.cache_clear()
    assert ask(demo, path, method).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[", "10.0.0.1"])
@pytest.mark.parametrize(("path", "method"), GUARDED)
def test_a_name_that_was_rebound_to_this_machine_is_refused(demo: Stage, host: str, path: str, method: str) -> None:
    assert ask(demo, path, method, {"Host": host}).status_code in (400, 404)


def test_another_machine_is_not_let_in_whatever_host_it_names(demo: Stage) -> None:
    environ = {"REMOTE_ADDR": "192.168.1.20"}
    answer = demo.client.get("/sandbox", headers={"Host": "localhost"}, environ_overrides=environ)
    assert answer.status_code == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machine_is_let_in_under_its_own_names(demo: Stage, host: str) -> None:
    assert demo.client.get("/sandbox", headers={"Host": host}).status_code == 200


FORGERIES = {
    "without our header": ({"X-Requested-With": ""}, 403),
    "from another origin": ({"Origin": "https://evil.example"}, 403),
    "from another port": ({"Origin": "http://localhost:9999"}, 403),
    "from nowhere": ({"Origin": "null"}, 403),
    "as a form": ({"Content-Type": "text/plain"}, 415),
}


@pytest.mark.parametrize(("headers", "status"), FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("path", CHANGING)
def test_a_forged_request_changes_nothing(demo: Stage, path: str, headers: dict[str, str], status: int) -> None:
    answer = ask(demo, path, "POST", headers, switches={"refuse": True})
    assert answer.status_code == status
    assert Carried.select().count() == 0
    assert files() == 1
    assert not thread(demo)["switches"]["refuse"]


@pytest.mark.parametrize("origin", ["http://localhost", "http://127.0.0.1:8000"])
def test_our_own_origin_may(demo: Stage, origin: str) -> None:
    assert post(demo.client, "say", body_for(demo), Origin=origin).status_code == 201


@pytest.mark.parametrize("path", CHANGING)
def test_nothing_is_changed_by_looking(demo: Stage, path: str) -> None:
    assert demo.client.get(path).status_code == 405


def strangers_channel(number: str = "+14155550100") -> Channel:
    tenancy.add_tenant(tenancy.NewTenant("strange", "Strange"), {})
    given = {"account_sid": "AC" + "1" * 32, "auth_token": "t" * 32}
    return tenancy.add_channel("strange", "twilio", number, given)


@pytest.mark.parametrize(("path", "method"), OF_A_CHANNEL)
@pytest.mark.parametrize("which", ["strange", 999, "x", -1, None, 10**30, [1], True])
def test_only_sandbox_channels_are_there(demo: Stage, path: str, method: str, which: Any) -> None:
    number = strangers_channel().id if which == "strange" else which
    answer = ask(demo, path, method, channel=number)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_the_page_names_no_other_channel(demo: Stage) -> None:
    strangers_channel()
    shown = demo.client.get("/sandbox").text
    assert demo.channel.number in shown
    assert "+14155550100" not in shown
    assert "Strange" not in shown


# --- the provider's API ----------------------------------------------------------------------------------


def send(stage: Stage, secret: str = SECRET, **values: Any) -> Any:
    sent = {"from": stage.channel.number, "to": PHONE, "reference": "r.1", "message": {"kind": "text", "text": "hi"}}
    headers = {"Authorization": f"Bearer {secret}"}
    return stage.client.post("/sandbox/api/messages", json={**sent, **values}, headers=headers)


def test_the_api_takes_a_message_without_any_demo(stage: Stage) -> None:
    answer = send(stage)
    assert answer.status_code == 201
    [carried] = Carried.select()
    assert (answer.json["id"], carried.phone, carried.direction) == (carried.provider_message_id, PHONE, "OUT")


@pytest.mark.parametrize("secret", ["", "wrong", "é", SECRET.upper()])
def test_the_api_wants_the_channel_s_secret(stage: Stage, secret: str) -> None:
    assert (send(stage, secret).status_code, Carried.select().count()) == (401, 0)


def test_the_api_knows_no_other_number(stage: Stage) -> None:
    assert send(stage, **{"from": "+966599999999"}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 60000, b'{"message": NaN}'])
def test_the_api_refuses_what_is_no_json_object(stage: Stage, body: bytes) -> None:
    answer = stage.client.post("/sandbox/api/messages", data=body, headers={"Authorization": f"Bearer {SECRET}"})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "permanent")


def test_the_api_refuses_a_body_over_64_kib(stage: Stage) -> None:
    answer = send(stage, message={"kind": "text", "text": "x" * (64 << 10)})
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "permanent")


def test_told_to_refuse_the_api_refuses(stage: Stage) -> None:
    sandbox.set_switches(stage.channel.id, Switches(refuse=True))
    answer = send(stage)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "temporary")


def test_told_to_time_out_the_api_takes_the_message_and_never_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOT_SEND_TIMEOUT", "0.01")
    config.settings.cache_clear()
    sandbox.set_switches(stage.channel.id, Switches(time_out=True))
    answer = send(stage)
    assert (answer.status_code, answer.data) == (504, b"")
    assert Carried.select().count() == 1


# --- the conversation ------------------------------------------------------------------------------------


def test_what_a_customer_writes_is_ticked_step_by_step(demo: Stage) -> None:
    assert say(demo).status_code == 201
    assert bubbles(demo) == [("customer", "sent", "text")]
    assert sandbox.carry_next()
    assert bubbles(demo) == [("customer", "delivered", "text")]
    demo.read()
    assert bubbles(demo) == [("customer", "read", "text")]


def test_the_bot_s_answer_is_ticked_from_our_own_ledger(demo: Stage) -> None:
    say(demo)
    sandbox.carry_next()
    demo.answer()
    assert bubbles(demo)[1:] == [("business", "queued", "buttons")]
    assert thread(demo)["messages"][1]["uncarried"]
    demo.deliver()
    assert bubbles(demo)[1:] == [("business", "sent", "buttons")]
    assert "uncarried" not in thread(demo)["messages"][1]
    run(demo)
    assert bubbles(demo)[1:] == [("business", "delivered", "buttons")]
    assert thread(demo)["unread"]
    assert post(demo.client, "read", body_for(demo)).status_code == 204
    run(demo)
    assert bubbles(demo)[1:] == [("business", "read", "buttons")]
    assert not thread(demo)["unread"]


def test_a_bubble_keeps_its_key_when_the_sandbox_has_taken_it(demo: Stage) -> None:
    say(demo)
    sandbox.carry_next()
    demo.answer()
    before = [one["key"] for one in thread(demo)["messages"]]
    demo.deliver()
    assert [one["key"] for one in thread(demo)["messages"]] == before


def test_a_tapped_button_reaches_the_bot_as_its_id(demo: Stage) -> None:
    reply = {"type": "button", "id": "person", "title": "Talk to a person"}
    assert say(demo, reply=reply).status_code == 201
    run(demo)
    [heard] = demo.in_()
    assert (heard.kind, heard.choice, heard.body) == ("interactive", "person", "Talk to a person")
    state = thread(demo)["state"]
    assert not state["bot"]
    assert state["until"]


def test_a_refused_message_is_shown_with_its_reason(demo: Stage) -> None:
    post(demo.client, "switches", body_for(demo, switches={"refuse": True}))
    say(demo)
    run(demo)
    shown = thread(demo)["messages"][-1]
    assert (shown["tick"], shown["errorCode"], shown["uncarried"]) == ("retry", "temporary", True)
    assert "refuse" in shown["errorMessage"]
    assert shown["retryAt"]
    for _ in range(3):
        demo.later(seconds=20)
        demo.deliver()
    assert thread(demo)["messages"][-1]["tick"] == "dead"


def test_a_repeated_webhook_is_seen_to_be_ignored(demo: Stage) -> None:
    post(demo.client, "switches", body_for(demo, switches={"duplicate": True}))
    say(demo)
    run(demo)
    webhooks = [entry for entry in thread(demo)["happened"] if entry["type"] == "webhook"]
    assert [(entry["items"], entry["verdict"], entry["duplicates"]) for entry in webhooks] == [
        (["delivered"], "accepted", 1),
        (["sent"], "accepted", 1),
        (["message"], "accepted", 1),
    ]
    assert len(demo.in_()) == 1


def test_what_happened_tells_of_messages_too(demo: Stage) -> None:
    say(demo)
    run(demo)
    told = [entry for entry in thread(demo)["happened"] if entry["type"] == "message"]
    assert [(entry["direction"], entry["kind"], entry["status"], entry["attempts"]) for entry in told] == [
        ("OUT", "buttons", "delivered", 1),
        ("IN", "text", "received", 0),
    ]


def test_one_customer_s_thread_shows_nothing_of_another_s(demo: Stage) -> None:
    say(demo, "a secret of Sara's")
    run(demo)
    other = thread(demo, "+966522222222")
    assert (other["messages"], other["happened"]) == ([], [])


def test_a_forged_reference_tells_nothing_of_another_tenant_s_message(
    demo: Stage, make_channel: Callable[..., Channel]
) -> None:
    say(demo)
    run(demo)
    uid = demo.out()[0].uid
    theirs = make_channel("luma", "+966500000002")
    send(demo, **{"from": theirs.number}, reference=f"{uid}.1")
    shown = demo.client.get("/sandbox/thread", query_string={"channel": theirs.id, "phone": PHONE}).json["messages"]
    assert [one["tick"] for one in shown] == ["accepted"]


def test_an_unchanged_thread_is_not_sent_again(demo: Stage) -> None:
    say(demo)
    query = {"channel": demo.channel.id, "phone": PHONE}
    tag = demo.client.get("/sandbox/thread", query_string=query).headers["ETag"]
    again = demo.client.get("/sandbox/thread", query_string=query, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    say(demo)
    assert demo.client.get("/sandbox/thread", query_string=query, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("held", ["paused", "suspended"])
def test_the_page_says_why_nobody_answers(demo: Stage, held: str) -> None:
    if held == "paused":
        tenancy.pause_channel(demo.channel.id)
    else:
        tenancy.suspend("bait")
    assert thread(demo)["state"]["held"] == held


SWITCHES = {"duplicate": True, "delayMs": 3000, "reorder": True, "refuse": True, "timeOut": True}


def test_switches_are_kept_for_their_channel(demo: Stage) -> None:
    answer = post(demo.client, "switches", body_for(demo, switches=SWITCHES))
    assert answer.json == {"switches": SWITCHES}
    assert thread(demo)["switches"] == SWITCHES


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no number": ("say", {"phone": "abc"}, "invalid_number"),
    "a short number": ("say", {"phone": "+1234"}, "invalid_number"),
    "a long number": ("say", {"phone": "+1234567890123456"}, "invalid_number"),
    "a long name": ("say", {"name": "x" * 61}, "name"),
    "a name that is none": ("say", {"name": 7}, "name"),
    "a long text": ("say", {"text": "x" * 4097}, "text"),
    "an empty text": ("say", {"text": " \n"}, "text"),
    "no text": ("say", {"text": None}, "text"),
    "a reply of no type": ("say", {"reply": {"id": "a", "title": "b"}}, "reply"),
    "a reply without id": ("say", {"reply": {"type": "button", "title": "b"}}, "reply"),
    "no reply": ("say", {"reply": "menu"}, "reply"),
    "an endless delay": ("switches", {"switches": {"delayMs": 60001}}, "switches"),
    "a delay in words": ("switches", {"switches": {"delayMs": "3"}}, "switches"),
    "a switch in words": ("switches", {"switches": {"refuse": "no"}}, "switches"),
    "no switches": ("switches", {"switches": None}, "switches"),
}


@pytest.mark.parametrize(("path", "values", "code"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_told_apart(demo: Stage, path: str, values: dict[str, Any], code: str) -> None:
    answer = post(demo.client, path, body_for(demo, **values))
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert set(answer.json) == {"error", "code", "requestId"}
    assert Carried.select().count() == 0


@pytest.mark.parametrize("written", ["+966 51-111 1111", "00966511111111", "+" + "٩٦٦٥١١١١١١١١", "966511111111"])
def test_a_number_may_be_written_in_any_usual_way(demo: Stage, written: str) -> None:
    assert say(demo, phone=written).json["phone"] == PHONE


def test_text_at_its_limits_is_taken(demo: Stage) -> None:
    assert say(demo, "🎉" * 4096, name="ن" * 60).status_code == 201
    assert thread(demo)["messages"][0]["content"]["text"] == "🎉" * 4096


# --- the page --------------------------------------------------------------------------------------------


def test_hostile_names_are_shown_as_text(demo: Stage) -> None:
    tenancy.edit_tenant("bait", {"name": HOSTILE}, {})
    answer = demo.client.get("/sandbox")
    assert "<img" not in answer.text
    assert "&lt;img src=x" in answer.text
    seen = re.search(r"data-page='([^']*)'", answer.text)
    assert seen is not None
    assert json.loads(seen[1])["channels"][0]["business"] == HOSTILE
    assert "'self'" in answer.headers["Content-Security-Policy"]


def test_hostile_messages_travel_as_json(demo: Stage) -> None:
    say(demo, HOSTILE, name=HOSTILE)
    run(demo)
    answer = demo.client.get("/sandbox/thread", query_string={"channel": demo.channel.id, "phone": PHONE})
    assert answer.json["messages"][0]["content"]["text"] == HOSTILE
    assert answer.mimetype == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def scripts() -> str:
    """All of the page's scripts."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((WEB / "static").glob("sandbox*.js")))


def test_the_page_needs_nothing_that_its_policy_forbids(demo: Stage) -> None:
    shown = demo.client.get("/sandbox").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?://(?!www\.w3\.org/)", shown)
    for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', shown):
        with demo.client.get(name) as file:
            assert file.status_code == 200
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", scripts())
    assert not re.search(r"url\(|@import", (WEB / "static" / "sandbox-media.css").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("en", "ltr")])
def test_the_language_is_chosen_and_remembered(demo: Stage, language: str, direction: str) -> None:
    chosen = demo.client.get("/sandbox", query_string={"lang": language})
    assert f'<html lang="{language}" dir="{direction}">' in chosen.text
    assert "SameSite=Lax" in chosen.headers["Set-Cookie"]
    assert f'<html lang="{language}"' in demo.client.get("/sandbox").text


@pytest.mark.parametrize("locale", ["ar", "en"])
def test_the_language_is_the_tenant_s_until_one_is_chosen(demo: Stage, locale: str) -> None:
    tenancy.edit_tenant("bait", {"locale": locale}, {})
    answer = demo.client.get("/sandbox", query_string={"lang": "xx"})
    assert f'<html lang="{locale}"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_without_a_sandbox_number_the_page_says_how_to_add_one(demo: Stage) -> None:
    tenancy.remove_tenant("bait")
    assert tenants.channels() == []
    assert "wabot channel add SLUG sandbox" in demo.client.get("/sandbox").text


def test_both_languages_say_the_same_things() -> None:
    english, arabic = sandbox_texts.TEXTS["en"], sandbox_texts.TEXTS["ar"]
    assert list(english) == list(arabic)
    holes = re.compile(r"\{\w+\}")
    assert [name for name in english if holes.findall(english[name]) != holes.findall(arabic[name])] == []


def test_every_word_that_the_page_says_is_there() -> None:
    template = (WEB / "templates" / "sandbox.html").read_text(encoding="utf-8")
    said = {*re.findall(r"\btext\.(\w+)", template), *re.findall(r'\bsay\((?:[^()"]*\? )?"(\w+)"', scripts())}
    said |= {f"kind_{kind}" for kind in [*words.MediaType, *words.Kind]}
    said |= {f"attach_{what}" for what in re.findall(r'\("(\w+)", "\w+"\)', template) if what in ("visual", "location")}
    said |= {f"status_{status}" for status in words.Status} | {f"verdict_{verdict}" for verdict in words.Verdict}
    assert said - set(sandbox_texts.TEXTS["en"]) == set()


# --- in a browser ----------------------------------------------------------------------------------------


@pytest.fixture
def browser_page(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """The page, in Chromium, against web and consumer as they run."""
    stack = Stack(tmp_path, {"WABOT_DEMO": "1"})
    monkeypatch.setenv("WABOT_SECRET_KEY", stack.environment()["WABOT_SECRET_KEY"])
    config.settings.cache_clear()
    tenant = tenancy.add_tenant(tenancy.NewTenant("bait", f"Bait {HOSTILE}", locale="en"), {})
    tenancy.add_channel("bait", "sandbox", "+966500000001", {})
    dish = words.MenuItem("dish", {"en": f"Dish {HOSTILE}"[:24]}, 1400)
    drinks = words.MenuCategory("drinks", {"en": "Drinks"}, (words.MenuItem("tea", {"en": "Tea"}, 500),))
    menu = words.Menu((words.MenuCategory("dishes", {"en": "Dishes"}, (dish,)), drinks))
    db.write(lambda: menus.keep(tenant.id, menu, clock.now()))
    db.database.shut()
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
               "--disable-sync", "--no-first-run"]  # fmt: skip
    try:
        stack.start_web()
        stack.start_consumer()
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=options)
            page = browser.new_page()
            page.goto(f"{stack.url}/sandbox")
            yield page
            browser.close()
    finally:
        stack.stop()


@pytest.mark.process
@pytest.mark.needs("chromium", package="chromium")
def test_a_conversation_in_a_browser(browser_page: Page) -> None:
    page, complaints = browser_page, list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Bait {HOSTILE}")
    page.get_by_role("button", name="hello", exact=True).click()
    expect(page.locator(".bubble.mine")).to_contain_text("hello")
    expect(page.locator(".bubble:not(.mine)")).to_contain_text(f"Bait {HOSTILE}")
    expect(page.locator(".tick.read")).to_have_count(2)

    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator(".bubble [aria-haspopup=dialog]").click()
    page.get_by_role("dialog").get_by_text("Dishes").click()
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".bubble.mine").last).to_contain_text("Dishes")
    lists = page.locator(".bubble [aria-haspopup=dialog]")
    expect(lists).to_have_count(2)
    lists.last.click()
    expect(page.get_by_role("dialog")).to_contain_text("<img")
    page.keyboard.press("Escape")

    page.get_by_label("Message", exact=True).fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.mine").last).to_contain_text(HOSTILE)
    expect(page.locator(".bubble.mine .tick.read")).to_have_count(4)
    assert page.locator("img").count() == 0

    page.locator(".top .language").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".bubble.mine")).to_have_count(4)
    assert complaints == []


@pytest.mark.process
@pytest.mark.needs("chromium", package="chromium")
def test_files_and_places_in_a_browser(browser_page: Page) -> None:
    page, complaints = browser_page, list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    picture = {"name": "صورة.png", "mimeType": "image/png", "buffer": page.screenshot()}
    mine = page.locator(".bubble.mine")

    attach(page, "Photo or video", picture)
    page.get_by_label("Message", exact=True).fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(mine).to_contain_text(HOSTILE)
    expect(mine.locator(".tick.read")).to_have_count(1)
    shown = mine.get_by_role("img", name=HOSTILE)
    expect(shown).to_have_js_property("naturalWidth", 1280)
    mine.locator("button.picture").click()
    expect(page.get_by_role("dialog")).to_contain_text("صورة.png")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    attach(page, "Document", {"name": "a.html", "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"})
    page.keyboard.press("Enter")
    expect(mine.get_by_role("link", name="Download: a.html")).to_have_attribute("download", "a.html")

    attach(page, "Audio", {"name": "empty.mp3", "mimeType": "audio/mpeg", "buffer": b""})
    expect(page.locator("#attached")).to_contain_text("This file is empty")
    page.get_by_role("button", name="Remove the file").click()
    expect(page.locator("#attached")).to_be_hidden()

    page.get_by_role("button", name="Attach").click()
    page.get_by_role("button", name="Location").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="Send")).to_be_disabled()
    sheet.get_by_label("Latitude").fill("٢٤٫٥")
    sheet.get_by_label("Longitude").fill("181")
    expect(sheet.get_by_role("alert")).to_be_visible()
    expect(sheet.get_by_role("button", name="Send")).to_be_disabled()
    sheet.get_by_text("Kingdom Centre").click()
    sheet.get_by_role("button", name="Send").click()
    expect(mine.last.get_by_role("link")).to_have_attribute("href", re.compile(r"^https://www\.openstreetmap\.org/"))
    expect(mine.locator(".tick.read")).to_have_count(3)

    assert shown.evaluate("image => fetch(image.src).then(answer => answer.headers.get('Content-Type'))") == "image/png"
    opened = page.goto(urljoin(page.url, shown.get_attribute("src")))
    assert opened is not None
    assert opened.status == 200
    assert complaints == []


def attach(page: Page, what: str, file: Any) -> None:
    page.get_by_role("button", name="Attach").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=what).click()
    chooser.value.set_files(file)
