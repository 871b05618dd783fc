"""The part of the oracle that judges what is shown: I6 of what a tenant sees, I8 of /metrics, I9 of logs and pages."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.chaos.history import History

Found = Iterator[tuple[str, str]]


def i6(history: History) -> Found:
    """Every send went from its tenant's own number, and nobody was shown what is another's."""
    phone = {row["id"]: row["address"].lstrip("+") for row in history.customers}
    slug = {row["id"]: row["slug"] for row in history.tenants}
    for line in history.lines("wrong"):
        yield "provider", f"a call had the wrong credentials: {line['why']}"
    for line in history.lines("sent"):
        attempt = history.attempt_of.get(line["id"])
        if attempt is None:
            continue
        message, channel = history.message_of[attempt["message_id"]], history.channel_of[attempt["channel_id"]]
        if channel["number"] != line["channel"] or channel["tenant_id"] != message["tenant_id"]:
            yield f"message {message['id']}", f"belongs to {channel['number']} and went from {line['channel']}"
        if phone[message["customer_id"]] != line["to"]:
            yield f"message {message['id']}", "went to somebody else"
        yield from _foreign(history, f"send {line['id']}", slug[message["tenant_id"]], line["text"])
    for row in history.messages:
        yield from _foreign(history, f"message {row['id']}", slug[row["tenant_id"]], row["body"])
        owners = {history.channel_of[row["channel_id"]]["tenant_id"], row["tenant_id"]}
        if len(owners) > 1:
            yield f"message {row['id']}", f"has the channel of another tenant: {owners}"
    for probe in history.probes:
        if probe["status"] < 400:
            yield probe["path"], f"answered {probe['status']} to {probe['tenant']}, it is {probe['owner']}'s"
        yield from _foreign(history, probe["path"], probe["tenant"], probe["body"])
    for tenant, text in history.seen.items():
        yield from _foreign(history, f"what {tenant} sees", tenant, text)


def _foreign(history: History, about: str, tenant: str, text: str) -> Found:
    others = [row["slug"] for row in history.tenants if row["slug"] != tenant]
    for other in others:
        if f"{history.canary}-{other}-" in text:
            yield about, f"{tenant} has words that were written to {other}"


def i8(history: History) -> Found:
    """Gauges agree with the tables, counters with the tallies and with what they count, and never go back."""
    if not history.metrics:
        yield "/metrics", "was never seen"
        return
    last = history.metrics[-1]
    states = Counter(row["status"] for row in history.outgoing)
    expected = {f'wabot_outbox{{state="{state}"}}': states[state] for state in ("queued", "sending", "unknown")}
    expected["wabot_dead_letters"] = states["dead"]
    expected["wabot_channels_paused"] = sum(row["status"] == "paused" for row in history.channels)
    if history.incoming:
        expected['wabot_messages_total{direction="IN",status="received"}'] = len(history.incoming)
    for row in history.tallies:
        expected[row["series"]] = row["value"]
    for series, value in expected.items():
        if last.get(series) != value:
            yield series, f"shows {last.get(series)}, the file has {value}"
    for before, after in zip(history.metrics, history.metrics[1:], strict=False):
        for series, value in before.items():
            if _grows(series) and after.get(series, 0) < value:
                yield series, f"went from {value} to {after.get(series)}"
    yield from _counted(history, last, states)


def _grows(series: str) -> bool:
    name = series.partition("{")[0]
    return name.endswith(("_total", "_count", "_bucket", "_sum"))


def _counted(history: History, last: Mapping[str, float], states: Counter[str]) -> Found:
    """Each row was counted when it came into the state that it is in, each webhook when it came."""
    for state, count in states.items():
        series = f'wabot_messages_total{{direction="OUT",status="{state}"}}'
        if last.get(series, 0) < count:
            yield series, f"shows {last.get(series, 0)}, though {count} messages are in that state"
    for provider in {row["provider"] for row in history.webhooks}:
        mine = [row for row in history.webhooks if row["provider"] == provider]
        series = f'wabot_webhooks_total{{provider="{provider}",verdict="%s"}}'
        new = sum(last.get(series % verdict, 0) for verdict in ("accepted", "unrouted"))
        for what, shown, real in (
            ("new", new, len(mine)),
            ("duplicate", last.get(series % "duplicate", 0), sum(row["duplicates"] for row in mine)),
        ):
            if shown != real:
                yield series % what, f"shows {shown}, the journal has {real}"


def i9(history: History) -> Found:
    """No secret, number or word of a customer in logs, addresses, metrics and error pages."""
    phones = {line["phone"] for line in history.lines("in")}
    urls = "\n".join(line["url"] for line in history.journal if line.get("url"))
    for name, text in {**history.texts, "addresses": urls}.items():
        for secret in history.secrets:
            if secret and secret in text:
                yield name, f"has a secret: {secret[:4]}…"
        if history.canary in text:
            at = text.index(history.canary)
            yield name, f"has words of a customer: …{text[max(0, at - 60) : at + 20]!r}"
        found = next((phone for phone in phones if phone in text), None)
        if found:
            yield name, f"has a customer's number ({found[:6]}…)"
