"""The sandbox's figures as its API tells them, played by `responses`: what each number did, and who is refused."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses

USAGE = "http://provider.test/sandbox/api/usage"


@dataclass
class Meter:
    """`told` are the days of each number, `refused` the status, code and headers that a number meets, `asked` who was
    asked for which days."""

    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: dict[str, tuple[int, str, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    bugs: set[str] = field(default_factory=set)

    def play(self, provider: responses.RequestsMock) -> "Meter":
        provider.add_callback("GET", USAGE, callback=self._answer)
        return self

    def tells(self, number: str, *days: dict[str, Any]) -> None:
        """From now on the number's days are these."""
        self.told[number] = list(days)

    def refuses(self, number: str, code: str = "temporary", status: int = 500, **headers: str) -> None:
        """Without a code it says nothing about it."""
        self.refused[number] = (status, code, headers)

    def trips(self, number: str) -> None:
        """Asking for the number raises what is no failure of a provider's."""
        self.bugs.add(number)

    def answers(self, number: str) -> None:
        """It refuses the number no more."""
        self.refused.pop(number)

    def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        number = request.headers["X-Sandbox-Number"]
        query = parse_qs(urlsplit(request.url).query)
        [first], [last] = query["from"], query["to"]
        self.asked.append((number, first, last))
        if number in self.bugs:
            raise RuntimeError(number)
        if number in self.refused:
            status, code, headers = self.refused[number]
            return status, headers, json.dumps({"error": {"code": code, "message": "as told"}}) if code else ""
        days = [day for day in self.told.get(number, []) if first <= day["date"] <= last]
        return 200, {}, json.dumps({"days": days})


def day(date: str, cost: str | None = "0.0345", **values: Any) -> dict[str, Any]:
    """What a channel did on a day."""
    figures = {"conversations": 2, "messagesIn": 5, "messagesOut": 4, "delivered": 4, "billable": 3}
    return {"date": date, "currency": "USD", "cost": cost, "categories": {"service": 3}, **figures, **values}
