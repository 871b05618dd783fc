"""What imitations of vendors tell of usage: figures that tests set, correct, and have refused.

    POST /_control  {"usage": {WHOSE: FIGURES}}    what is told of WHOSE from now on; posted again it is a correction
    POST /_control  {"usage_answer": {"status", "body" | "raw", "retry_after", "delay_ms", "count": 1}}
                                                   what the next questions are answered with instead
    POST /_control  {"clear": true}                ends those
    GET  /_usage                                   {"asked": [path with query of each question]}

WHOSE and FIGURES are the vendor's own words:

- Gupshup: an app's id, and a list of rows of `partnerAppUsageList`.
- The Graph API, at which Interakt's channels are asked for, too: an account's id, and {"currency", "token",
  "pricing_analytics": [points], "conversation_analytics": [points], "analytics": [points, with the `phone_number` that
  is not told]}; "credit_line": true for an account without costs, "bare": true for points in a top-level `data`,
  "page_size" for pages.
- Twilio: an account's SID, and {"usage_records": [records], "messages": [messages], "page_size"}; records of another
  `account_sid` are a sub-account's.
"""

import json
import re
import threading
import time
from collections import deque
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlencode, urlsplit

GRAPH = ("pricing_analytics", "conversation_analytics")
DIMENSIONS = {
    "phone_number": "PHONE",
    "country": "COUNTRY",
    "tier": "TIER",
    "pricing_category": "PRICING_CATEGORY",
    "pricing_type": "PRICING_TYPE",
    "conversation_category": "CONVERSATION_CATEGORY",
    "conversation_type": "CONVERSATION_TYPE",
    "conversation_direction": "CONVERSATION_DIRECTION",
}
"""Keys of points that are there only when they were asked for."""
METRICS = {"cost": "COST", "volume": "VOLUME", "conversation": "CONVERSATION"}


class Usage:
    """What one imitation tells; every method may be called from any thread."""

    def __init__(self):
        self.told, self.orders, self.asked = {}, deque(), []
        self._lock = threading.Lock()

    def order(self, wanted):
        with self._lock:
            self.told.update(wanted.get("usage", {}))
            if wanted.get("clear"):
                self.orders.clear()
            if "usage_answer" in wanted:
                self.orders.append({"count": 1} | wanted["usage_answer"])

    def knows(self, whose):
        return whose in self.told

    def answer(self, path, make):
        """Status, body and headers for a question: as ordered, else what `make` says."""
        with self._lock:
            self.asked.append(path)
            order = self.orders[0] if self.orders else None
            if order is not None:
                order["count"] -= 1
                if order["count"] <= 0:
                    self.orders.popleft()
        if order is None:
            status, said = make()
            return status, json.dumps(said).encode(), {}
        time.sleep(order.get("delay_ms", 0) / 1000)
        body = order["raw"].encode() if "raw" in order else json.dumps(order.get("body", {})).encode()
        return (
            order.get("status", 500),
            body,
            {"Retry-After": str(order["retry_after"])} if "retry_after" in order else {},
        )


def of_app(rows, path):
    """Gupshup's answer: the rows of the days that were asked for."""
    query = parse_qs(urlsplit(path).query)
    first, last = query["from"][0], query["to"][0]
    wanted = [row for row in rows if first <= row["date"] <= last]
    return 200, {"status": "success", "partnerAppUsageList": wanted}


def of_waba(figures, waba_id, path, host, token):
    """The Graph API's answer: points within what was asked for, with the keys that were asked for."""
    if figures.get("token", token) != token:
        return 401, _error(190, "Invalid OAuth access token - Cannot parse access token")
    query = parse_qs(urlsplit(path).query)
    fields, after = query["fields"][0], int(query.get("after", ["0"])[0])
    said = {"id": waba_id}
    if re.search(r"(^|,)currency(,|$)", fields):
        said["currency"] = figures.get("currency", "USD")
    if (sent := _parameters(fields, "analytics")) is not None:
        points = [_only(point, {"start", "end", "sent", "delivered"}) for point in _within(figures, "analytics", sent)]
        said["analytics"] = {"phone_numbers": sent["phone_numbers"], "granularity": "DAY", "data_points": points}
    for name in GRAPH:
        wanted = _parameters(fields, name)
        if wanted is None:
            continue
        if figures.get("credit_line") and name == GRAPH[1] and "COST" in wanted["metric_types"]:
            return 400, _error(100, "(#100) Cost not available")
        points = [_as_asked(point, wanted, figures) for point in _within(figures, name, wanted)]
        size = figures.get("page_size", len(points) or 1)
        block = {"data": [{"data_points": points[after : after + size]}]}
        if points[after + size :]:
            following = urlencode({"fields": fields, "after": after + size, "access_token": token})
            block["paging"] = {"next": f"http://{host}{urlsplit(path).path}?{following}"}
        said |= block if figures.get("bare") else {name: block}
    return 200, said


def _parameters(fields, name):
    """The parameters of a field, by name: lists as they are written in JSON."""
    found = re.search(rf"(?:^|,){name}((?:\.\w+\([^)]*\))+)", fields)
    if found is None:
        return None
    given = dict(re.findall(r"\.(\w+)\(([^)]*)\)", found[1]))
    return {key: json.loads(value) if value[:1] in ("[", *"0123456789") else value for key, value in given.items()}


def _within(figures, name, wanted):
    numbers = wanted.get("phone_numbers") or [None]
    for point in figures.get(name, []):
        is_wanted = numbers == [None] or point.get("phone_number", numbers[0]) in numbers
        if is_wanted and wanted["start"] <= point["start"] < wanted["end"]:
            yield point


def _as_asked(point, wanted, figures):
    keys = {"start", "end"} | {key for key, name in METRICS.items() if name in wanted["metric_types"]}
    keys |= {key for key, name in DIMENSIONS.items() if name in wanted.get("dimensions", [])}
    return _only(point, keys - ({"cost"} if figures.get("credit_line") else set()))


def _only(point, keys):
    return {key: value for key, value in point.items() if key in keys}


def _error(code, message):
    return {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbCdEf"}}


def of_account(figures, name, account, path):
    """Twilio's answer: a page of the records or messages that were asked for."""
    query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
    pick = _wanted_record if name == "usage_records" else _wanted_message
    rows = [row for row in figures.get(name, []) if pick(row, query, account)]
    page, size = int(query.get("Page", 0)), figures.get("page_size", int(query.get("PageSize", 50)))
    following = urlencode(query | {"Page": page + 1})
    more = f"{urlsplit(path).path}?{following}" if rows[(page + 1) * size :] else None
    return 200, {name: rows[page * size : (page + 1) * size], "page": page, "next_page_uri": more}


def _wanted_record(record, query, account):
    is_own = record.get("account_sid", account) == account or query.get("IncludeSubaccounts", "true") != "false"
    return is_own and query.get("StartDate", "") <= record["start_date"] <= query.get("EndDate", "9")


def _wanted_message(message, query, _):
    if not all(message.get(key.lower()) == query[key] for key in ("From", "To") if key in query):
        return False
    sent = parsedate_to_datetime(message["date_sent"]).astimezone(UTC) if message.get("date_sent") else None
    after, before = query.get("DateSent>"), query.get("DateSent<")
    return sent is not None and not (after and sent < _midnight(after)) and not (before and sent > _midnight(before))


def _midnight(day):
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
