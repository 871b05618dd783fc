"""The plan of a storm, drawn from its seed, and its run: kills, stops, terms, outages, jumps of the clock, retries by
hand; then calm, restart, drain, and the judge."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import evidence, oracle
from tests.chaos.agents import Agents
from tests.chaos.history import History
from tests.chaos.stack import ChaosStack
from tests.chaos.watch import Watch
from tests.spine.stack import wait_until
from wabot.store import db

SHORT_SECONDS, SHORT_KILLS = 60.0, 6
DRAIN_SECONDS = 75.0
RESUME_SECONDS = 3.0
FAR_SECONDS = 6 * 3600.0
KILLS = {
    "kill consumer": 4,
    "kill consumer in a send": 4,
    "kill consumer ahead": 2,
    "kill web": 3,
    "kill web worker": 3,
    "stop consumer": 2,
    "stop web": 1,
    "term consumer": 2,
    "term web": 1,
}
ALWAYS = ("kill consumer in a send", "kill web", "kill consumer ahead")
"""In the shortest storm, too."""
OTHERS = {"outage": 2, "clock far": 1, "clock near": 2, "retry by hand": 3}


_FAILED = (
    "SELECT m.id FROM message m WHERE m.direction = 'OUT' AND m.turn IS NOT NULL "
    "AND m.status IN ('failed', 'undelivered', 'dead')"
)
_UNWANTED = (
    f"{_FAILED} AND EXISTS (SELECT 1 FROM alias a JOIN opt_out o USING (tenant_id, alias) "
    "WHERE a.customer_id = m.customer_id)"
)


@dataclass(frozen=True)
class Event:
    at: float
    what: str
    seconds: float


@dataclass
class Report:
    """What became of a run."""

    seed: int
    events: list[str] = field(default_factory=list)
    violations: list[oracle.Violation] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)


def plan(seed: int, seconds: float, kills: int) -> list[Event]:
    """`kills` kills and about as many other events in that time, each kind of kill before any comes again. The far
    jump of the clock is always among them."""
    chance = random.Random(f"{seed}/plan")
    names = list(ALWAYS[:kills])
    while len(names) < kills:
        names += [name for name in _shuffled(chance, KILLS) if len(names) >= len(KILLS) or name not in ALWAYS]
    chosen = names[:kills]
    chance.shuffle(chosen)
    drawn = chance.choices(list(OTHERS), list(OTHERS.values()), k=max(0, kills - 2))
    events, step = [], (seconds - 6) / max(1, kills)
    for n, what in enumerate(chosen):
        events.append(Event(3 + n * step + chance.uniform(0, step * 0.4), what, chance.uniform(3, 7)))
    for what in ("clock far", "retry by hand", *drawn):
        moment = Event(chance.uniform(3, seconds - 5), what, chance.uniform(1, 3))
        events.append(moment)
    return sorted(events, key=lambda event: event.at)


def _shuffled(chance: random.Random, weights: dict[str, int]) -> list[str]:
    """Every name once, the heavy ones rather early."""
    return sorted(weights, key=lambda name: chance.random() ** (1 / weights[name]), reverse=True)


def run(
    folder: Path,
    seed: int,
    seconds: float,
    kills: int,
    *,
    rate: float = 8.0,
    drain_seconds: float = DRAIN_SECONDS,
    say: Callable[[str], None] = print,
) -> Report:
    """One storm and its judgement. What does not come to rest is left to the judge."""
    report, stack = Report(seed), ChaosStack.of(folder, seed)
    say(f"seed {seed}: {seconds:.0f} s, {kills} kills, in {folder}")
    try:
        stack.start_everything(rate)
        storm = _Storm(stack, report, seed, say)
        storm.rage(plan(seed, seconds, kills), seconds)
        storm.drain(drain_seconds)
        history = evidence.gather(stack, storm.agents, storm.watch, storm.hands)
    finally:
        stack.stop()
    report.violations = oracle.judge(history)
    report.figures |= _figures(history)
    return report


class _Storm:
    def __init__(self, stack: ChaosStack, report: Report, seed: int, say: Callable[[str], None]):
        self.stack, self.report, self._say = stack, report, say
        self.agents, self.watch = Agents(stack, seed), Watch(stack)
        self.hands: list[int] = []
        self._chance = random.Random(f"{seed}/storm")
        self._began, self._over = time.monotonic(), threading.Event()

    def rage(self, events: list[Event], seconds: float) -> None:
        """Everything at once until the time is over. Events of the clock and of hands go beside the kills."""
        self._began = time.monotonic()
        self.stack.provider_does(storm=True)
        self.agents.start()
        self.watch.start()
        beside = [event for event in events if event.what in OTHERS]
        second = threading.Thread(target=self._carry_out, args=(beside,), daemon=True)
        second.start()
        threading.Thread(target=self._keep_going, daemon=True).start()
        self._carry_out([event for event in events if event.what not in OTHERS])
        _wait_until(self._began + seconds)
        second.join(60)
        self._over.set()

    def _carry_out(self, events: list[Event]) -> None:
        for event in events:
            _wait_until(self._began + event.at)
            line = f"{time.monotonic() - self._began:6.1f} s  {event.what}"
            self.report.events.append(line)
            self._say(line)
            getattr(self, f"_{event.what.replace(' ', '_')}")(event.seconds)

    def _kill_consumer(self, _seconds: float) -> None:
        self.stack.kill(self.stack.consumer)
        self.stack.start_consumer()

    def _kill_consumer_in_a_send(self, _seconds: float) -> None:
        """After the provider accepted, before wabot heard of it."""
        caught = self.stack.trapped(8)
        self.report.figures["trapped"] = int(str(self.report.figures.get("trapped", 0))) + caught
        self._kill_consumer(0)

    def _kill_consumer_ahead(self, seconds: float) -> None:
        """The clock goes back while no consumer is there to see it."""
        self.stack.set_clock(FAR_SECONDS)
        time.sleep(min(2.0, seconds))
        self.stack.kill(self.stack.consumer)
        time.sleep(0.5)
        self.stack.set_clock(0.0)
        self.stack.start_consumer()

    def _kill_web(self, _seconds: float) -> None:
        self.stack.kill(self.stack.web)
        self.stack.start_web()

    def _kill_web_worker(self, _seconds: float) -> None:
        self.stack.kill_web_worker()

    def _stop_consumer(self, seconds: float) -> None:
        self._pause("consumer", seconds)

    def _stop_web(self, seconds: float) -> None:
        self._pause("web", seconds)

    def _pause(self, name: str, seconds: float) -> None:
        self.stack.signal(name, signal.SIGSTOP)
        time.sleep(seconds)
        self.stack.signal(name, signal.SIGCONT)

    def _term_consumer(self, _seconds: float) -> None:
        self.stack.end("consumer")
        self.stack.start_consumer()

    def _term_web(self, _seconds: float) -> None:
        self.stack.end("web")
        self.stack.start_web()

    def _outage(self, seconds: float) -> None:
        self.stack.provider_does(outage=seconds)

    def _clock_far(self, seconds: float) -> None:
        self._jump(FAR_SECONDS, seconds)

    def _clock_near(self, seconds: float) -> None:
        self._jump(self._chance.choice((-20.0, -5.0, 5.0, 45.0)), seconds)

    def _jump(self, far: float, seconds: float) -> None:
        self.stack.set_clock(far)
        time.sleep(seconds)
        self.stack.set_clock(0.0)

    def _retry_by_hand(self, _seconds: float) -> None:
        """Force some of what has failed, and all of it that is to customers who no longer want to hear from us."""
        with db.side_connection(self.stack.file) as file:
            failed = [row[0] for row in file.execute(_FAILED)]
            unwanted = [row[0] for row in file.execute(_UNWANTED)]
        chosen = set(self._chance.sample(failed, min(5, len(failed)))) | set(unwanted)
        self.hands += self.stack.operator(retry=sorted(chosen)).get("retried", [])

    def _keep_going(self) -> None:
        """The operator lets paused and held channels go on, so that no hour's wait ends the storm."""
        while not self._over.wait(RESUME_SECONDS):
            self.stack.operator(resume=True)

    def drain(self, seconds: float) -> None:
        """Faults off, everything restarted; then until nothing is open at the provider and in the file."""
        self.agents.stop()
        self._retry_by_hand(0)
        self.stack.provider_does(calm=True)
        for name in ("web", "consumer"):
            self.stack.end(name)
        self.stack.start_web()
        self.stack.start_consumer()
        began = time.monotonic()
        try:
            wait_until(self._is_calm, seconds=seconds, what="everything is settled")
        except AssertionError:
            self.report.figures["not drained"] = self._open()
        self.report.figures["drained after"] = f"{time.monotonic() - began:.1f} s"
        self.watch.stop()

    def _is_calm(self) -> bool:
        """What the provider has to tell may set off sends, which it tells of: so both, and twice."""
        if self.stack.provider_does(waiting=True)["waiting"]:
            time.sleep(0.2)
            return False
        if any(self._open().values()):
            self.stack.operator(resume=True)
            time.sleep(0.3)
            return False
        return not self.stack.provider_does(waiting=True)["waiting"] and not any(self._open().values())

    def _open(self) -> dict[str, int]:
        queries = {
            "webhooks": "SELECT count(*) FROM webhook WHERE reading = 'pending'",
            "answers": "SELECT count(*) FROM message WHERE answer_due_at IS NOT NULL",
            "queued": "SELECT count(*) FROM message WHERE status = 'queued'",
            "sending": "SELECT count(*) FROM message WHERE status = 'sending'",
            "unknown": "SELECT count(*) FROM message WHERE status = 'unknown'",
            "leases": "SELECT count(*) FROM attempt WHERE lease_until IS NOT NULL",
        }
        with db.side_connection(self.stack.file) as file:
            return {name: next(iter(file.execute(sql)))[0] for name, sql in queries.items()}


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _figures(history: History) -> dict[str, object]:
    return {
        "customers' messages": len(history.lines("in")),
        "accepted sends": len(history.lines("sent")),
        "posts answered": len(history.lines("posted")),
        "outgoing": dict(Counter(row["status"] for row in history.outgoing)),
        "resent unknown": sum(bool(row["resent_unknown"]) for row in history.outgoing),
        "accepted under": dict(Counter(line["fault"] for line in history.lines("sent"))),
        "asked by API": dict(Counter(f"{ask['status']} {ask.get('code', '')}".strip() for ask in history.asked)),
        "forced by hand": len(history.hands),
        "probes": len(history.probes),
    }
