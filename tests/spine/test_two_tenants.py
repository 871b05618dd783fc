"""Two tenants at Twilio and at Meta, whole: each has its own secrets, is answered from its own numbers, keeps its own
files. Real processes, real HTTP; one installation for all of these tests, a customer for each."""

import base64
import hashlib
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.fakes import meta
from tests.spine import two_tenants
from tests.spine.stack import reference, wait_until
from tests.spine.two_tenants import (
    APP_SECRET,
    BAIT_META,
    BAIT_TWILIO,
    CHANNELS,
    NAJD_META,
    NAJD_OWN_APP,
    NAJD_TWILIO,
    OWN_SECRET,
    SHARED,
    STATUS,
    Channel,
    TwoTenants,
    change,
    post_body,
    post_form,
    sender_of,
    text_form,
    text_item,
)

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]

PHOTO = b"\xff\xd8\xff\xe0" + random.Random(1).randbytes(700_000)
PLACE = {"latitude": 24.7136, "longitude": 46.6753, "name": "Kingdom Centre", "address": "Riyadh"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoTenants]:
    with two_tenants.running(tmp_path_factory.mktemp("two")) as running:
        yield running


def hello(stack: TwoTenants, channel: Channel, customer: str, n: int) -> requests.Response:
    """A customer says hello, in a webhook that this channel's own secret signs."""
    text = f"hello {channel.number}"
    if channel.provider == "twilio":
        return post_form(stack.url, text_form(channel, f"SM{n:032x}", customer, text), channel)
    return post_body(stack.url, meta.batch(change(channel, text_item(customer, f"wamid.{n}", text))), channel.secret)


def is_read(stack: TwoTenants, channel: Channel, customer: str, messages: int = 1) -> bool:
    """Whether at least so many messages were sent to the customer, and all were read."""
    sent = [message for message in stack.between(channel, customer) if message["direction"] == "OUT"]
    return len(sent) >= messages and all(message["status"] == "read" for message in sent)


def test_each_number_is_answered_by_its_own_credentials_and_read(stack: TwoTenants) -> None:
    customer = "966520000001"
    for n, channel in enumerate(CHANNELS):
        answer = hello(stack, channel, customer, 100 + n)
        assert (answer.status_code, answer.text) == (200, "<Response/>" if channel.provider == "twilio" else "")
    for channel in CHANNELS:
        what = f"the answer from {channel.number} is read"
        wait_until(lambda channel=channel: is_read(stack, channel, customer), seconds=30, what=what)
        received, answered = stack.between(channel, customer)
        assert (received["body"], received["status"]) == (f"hello {channel.number}", "received")
        [line] = stack.sent_to(channel, customer)
        assert reference(line) == (answered["uid"], 1)
        assert line.get("sid", line.get("id")) == answered["providerMessageId"]
        assert answered["sentAt"]
        assert answered["deliveredAt"] <= answered["readAt"]
        if channel.provider == "twilio":
            assert (line["From"], line["To"]) == (f"whatsapp:{channel.number}", f"whatsapp:+{customer}")
            assert line["StatusCallback"].startswith(f"{stack.url}{STATUS}?m=")
        else:
            assert line["message"]["type"] == "interactive"
    assert len([line for line in stack.ledger() if sender_of(line)[1] == customer]) == len(CHANNELS)


def test_one_tenant_s_secret_opens_nothing_of_the_other_s(stack: TwoTenants) -> None:
    """The settings' app secret verifies for nobody in particular: what it signs of another app's number is unrouted."""
    customer = "966520000002"
    form = text_form(NAJD_TWILIO, "SM" + "f" * 32, customer, "hello")
    assert post_form(stack.url, form, BAIT_TWILIO).status_code == 403
    other = meta.batch(change(BAIT_META, text_item(customer, "wamid.forged.1", "hello")))
    assert post_body(stack.url, other, OWN_SECRET).status_code == 403
    both = meta.batch(
        change(NAJD_OWN_APP, text_item(customer, "wamid.forged.2", "hello")),
        change(BAIT_META, text_item(customer, "wamid.signed", "hello")),
    )
    assert post_body(stack.url, both, APP_SECRET).status_code == 200
    wait_until(lambda: is_read(stack, BAIT_META, customer), seconds=30, what="what is signed is answered")
    rows = stack.cli("webhook", "list", "--verdict", "unrouted")["data"]
    assert [row["reason"] for row in rows] == ["no channel has this number"]
    assert stack.between(BAIT_META, customer)[0]["providerMessageId"] == "wamid.signed"
    assert stack.ask("najd", "/conversations", params={"q": customer}).json()["data"] == []
    assert {sender_of(line)[0] for line in stack.ledger() if sender_of(line)[1] == customer} == {BAIT_META.account}


def items(channel: Channel, customer: str, file: str) -> list[dict[str, Any]]:
    """A text, a photograph, a place and a reaction to the text."""
    sent = {"from": customer, "timestamp": str(int(time.time()))}
    place = {**sent, "id": f"wamid.place.{channel.number}", "type": "location", "location": PLACE}
    image = {"id": file, "mime_type": "image/jpeg", "caption": "this one", "sha256": "x"}
    text = text_item(customer, f"wamid.text.{channel.number}", f"hello {channel.number}")
    reaction = {"message_id": text["id"], "emoji": "👍"}
    return [
        text,
        {**sent, "id": f"wamid.photo.{channel.number}", "type": "image", "image": image},
        place,
        {**sent, "id": f"wamid.like.{channel.number}", "type": "reaction", "reaction": reaction},
    ]


def test_a_batch_for_both_tenants_with_text_photo_place_and_reaction_is_each_s_own(stack: TwoTenants) -> None:
    customer = "966520000003"
    photos = {BAIT_META: ("9001", PHOTO), NAJD_META: ("9002", PHOTO[::-1])}
    for file, data in photos.values():
        kept = {file: {"mime_type": "image/jpeg", "base64": base64.b64encode(data).decode()}}
        requests.post(f"{stack.graph}/_control", json={"files": kept}, timeout=10).raise_for_status()
    whole = meta.batch(*(change(channel, *items(channel, customer, file)) for channel, (file, _) in photos.items()))
    for _ in range(3):
        answer = post_body(stack.url, whole, APP_SECRET)
        assert (answer.status_code, answer.text) == (200, "")
        assert answer.headers["Content-Type"].startswith("text/plain")

    for channel, (file, data) in photos.items():
        wait_until(
            lambda channel=channel: "ready" in [message["mediaState"] for message in stack.between(channel, customer)],
            seconds=30, what="the photograph is fetched",
        )  # fmt: skip
        wait_until(
            lambda channel=channel: is_read(stack, channel, customer, 3), seconds=30, what="the answers are read"
        )
        shown = [message for message in stack.between(channel, customer) if message["direction"] == "IN"]
        assert [message["kind"] for message in shown] == ["text", "image", "location", "reaction"]
        assert [message["body"] for message in shown] == [
            f"hello {channel.number}", "this one", "Kingdom Centre", "👍",
        ]  # fmt: skip
        assert shown[2]["payload"]["location"]["latitude"] == PLACE["latitude"]
        assert shown[3]["payload"]["quotedId"] == f"wamid.text.{channel.number}"

        photo = shown[1]["media"]
        path = f"/media/{photo['id']}"
        own = stack.ask(channel.tenant, path)
        assert (own.status_code, own.headers["Content-Type"], own.content) == (200, "image/jpeg", data)
        [other] = set(two_tenants.TENANTS) - {channel.tenant}
        assert stack.ask(other, path).status_code == 404
        assert stack.ask(channel.tenant, path, as_tenant=other).status_code == 404
        asked = requests.get(f"{stack.graph}/_ledger", timeout=10).json()["asked"]
        by = [line["token"] for line in asked if line["path"] in (f"/{file}", f"/_file/{file}")]
        assert by == [channel.token] * 2, "the id is asked for once and the file once, with the number's own token"

        answers = [message for message in stack.between(channel, customer) if message["direction"] == "OUT"]
        lines = stack.sent_to(channel, customer)
        assert sorted(reference(line) for line in lines) == sorted((message["uid"], 1) for message in answers)
        assert len(answers) == 3, "the reaction is not answered, the others are"
    assert "quarantined" not in stack.verdicts()


def test_an_uploaded_file_is_carried_by_both_providers(stack: TwoTenants) -> None:
    customer = "966520000004"
    for n, channel in enumerate((BAIT_TWILIO, BAIT_META)):
        assert hello(stack, channel, customer, 200 + n).status_code == 200
        wait_until(lambda channel=channel: is_read(stack, channel, customer), seconds=30, what="the greeting is read")
    uploaded = stack.ask(
        "bait", "/media", params={"filename": "menu.jpg"}, data=PHOTO, headers={"Content-Type": "image/jpeg"}
    )
    assert uploaded.status_code == 201
    draft = {"kind": "media", "media": {"type": "image", "mediaId": uploaded.json()["mediaId"], "caption": "Menu"}}
    for channel in (BAIT_TWILIO, BAIT_META):
        path = f"/conversations/{stack.conversation_id(channel, customer)}/send"
        assert stack.ask("bait", path, json=draft).status_code == 202
        wait_until(lambda channel=channel: len(stack.sent_to(channel, customer)) == 2, seconds=30, what="it is sent")
        wait_until(lambda channel=channel: is_read(stack, channel, customer), seconds=30, what="it is read")
        *_, sent = stack.between(channel, customer)
        assert (sent["kind"], sent["body"], sent["mediaState"]) == ("media", "Menu", "ready")

    digest = hashlib.sha256(PHOTO).hexdigest()
    _, at_twilio = stack.sent_to(BAIT_TWILIO, customer)
    assert at_twilio["MediaUrl"].startswith(f"{stack.url}/media/")
    assert at_twilio["Body"] == "Menu"
    assert at_twilio["File"] == {"status": 200, "content_type": "image/jpeg", "sha256": digest}
    _, at_meta = stack.sent_to(BAIT_META, customer)
    image = at_meta["message"]["image"]
    assert image["caption"] == "Menu"
    bearer = {"Authorization": f"Bearer {BAIT_META.token}"}
    about = requests.get(f"{stack.graph}/{image['id']}", headers=bearer, timeout=10).json()
    assert (about["mime_type"], about["sha256"]) == ("image/jpeg", digest)


def test_a_file_of_another_tenant_cannot_be_sent(stack: TwoTenants) -> None:
    customer = "966520000005"
    assert hello(stack, NAJD_META, customer, 300).status_code == 200
    wait_until(lambda: is_read(stack, NAJD_META, customer), seconds=30, what="the greeting is read")
    theirs = stack.ask("bait", "/media", data=b"x", headers={"Content-Type": "image/png"}).json()["mediaId"]
    path = f"/conversations/{stack.conversation_id(NAJD_META, customer)}/send"
    draft = {"kind": "media", "media": {"type": "image", "mediaId": theirs}}
    refused = stack.ask("najd", path, json=draft)
    assert (refused.status_code, refused.json()["code"]) == (422, "media_unknown")
    assert stack.ask("najd", path, as_tenant="bait", json=draft).status_code == 404
    assert stack.ask("bait", path, json=draft).status_code == 404
    assert len(stack.sent_to(NAJD_META, customer)) == 1


def test_a_place_is_carried_by_both_providers(stack: TwoTenants) -> None:
    customer = "966520000006"
    for n, channel in enumerate((NAJD_TWILIO, NAJD_META)):
        assert hello(stack, channel, customer, 400 + n).status_code == 200
        wait_until(lambda channel=channel: is_read(stack, channel, customer), seconds=30, what="the greeting is read")
        path = f"/conversations/{stack.conversation_id(channel, customer)}/send"
        assert stack.ask("najd", path, json={"kind": "location", "location": PLACE}).status_code == 202
        wait_until(lambda channel=channel: len(stack.sent_to(channel, customer)) == 2, seconds=30, what="it is sent")
        wait_until(lambda channel=channel: is_read(stack, channel, customer), seconds=30, what="it is read")
    _, at_twilio = stack.sent_to(NAJD_TWILIO, customer)
    assert at_twilio["Body"] == PLACE["name"]
    assert at_twilio["PersistentAction"] == "geo:24.713600,46.675300|Riyadh"
    _, at_meta = stack.sent_to(NAJD_META, customer)
    assert at_meta["message"]["location"] == PLACE


def test_nothing_secret_and_nobody_s_number_is_in_the_logs(stack: TwoTenants) -> None:
    secrets = {part for channel in CHANNELS for part in (channel.token, channel.secret)} | set(stack.tokens.values())
    said = stack.logs()
    assert not [secret for secret in (*secrets, "96652000000", "Kingdom Centre") if secret in said]
    assert "Traceback" not in said
    assert SHARED not in said
