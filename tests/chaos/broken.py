"""The chaos run against builds that were broken on purpose: it is trusted because it fails on each of them.

    python -m tests.chaos.broken [NAME …] [--seed N] [--seconds 45]

Each build is a copy of this tree with one change; the run's verdict must name the invariant that the change breaks.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.spine.stack import ROOT

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Build:
    """A change to some files (path, old text, new text), and the invariant that it must break."""

    breaks: str
    changes: tuple[tuple[str, str, str], ...]


BUILDS = {
    "lost attempts are sent again at once": Build(
        "I3",
        (("wabot/core/delivery.py", 'errors.UnknownOutcome("worker_lost"', 'errors.TemporaryFailure("worker_lost"'),),
    ),
    "an unknown outcome is retried like a failure": Build(
        "I3",
        (
            (
                "wabot/core/policy.py",
                "    if isinstance(failure, errors.UnknownOutcome):\n        messages.change(",
                "    if isinstance(failure, errors.UnknownOutcome):\n        _retry(message, failure, now); dict(id=",
            ),
        ),
    ),
    "messages are not unique": Build(
        "I1",
        (
            (
                "wabot/store/migrations/m0001_spine.py",
                "CREATE UNIQUE INDEX message_once",
                "CREATE INDEX message_once",
            ),
            (
                "wabot/store/messages.py",
                "if db.one(f\"{_KNOWN} AND direction = 'IN'\"",
                'if not db.one("SELECT 1") and db.one(f"{_KNOWN} AND direction = \'IN\'"',
            ),
        ),
    ),
    "webhooks are answered before they are written": Build(
        "I1",
        (
            (
                "wabot/core/intake.py",
                "journalled = db.write(store, deadline=provider.webhook_budget_seconds)",
                "journalled = []\n        __import__('threading').Timer(0.3, db.write, (store,)).start()",
            ),
        ),
    ),
    "leases never end": Build(
        "I2",
        (
            (
                "wabot/store/attempts.py",
                "return [attempt for attempt in leased if attempt.lease_until <= now or gone[attempt.worker]]",
                "return [attempt for attempt in leased if gone and attempt.lease_until is None]",
            ),
        ),
    ),
    "ranks follow the last receipt": Build(
        "I4",
        (("wabot/core/receipts.py", "if receipt.progress > attempt.rank:", "if receipt.progress != attempt.rank:"),),
    ),
    "nobody asks for opt-outs at the claim": Build(
        "I5",
        (
            (
                "wabot/store/outbox.py",
                'return "" if reason == "allowance_spent" and message.attempts else reason',
                'return "" if reason in ("allowance_spent", "opted_out") else reason',
            ),
            (
                "wabot/store/outbox.py",
                "    return rules.wants_none(message.conversation, template)",
                "    return bool(template) and not message",
            ),
        ),
    ),
    "the window is always open": Build(
        "I5",
        (
            (
                "wabot/store/rules.py",
                "return conversation.last_in_at is not None and conversation.last_in_at + WINDOW > now",
                "return conversation.last_in_at is not None or conversation.last_in_at == now",
            ),
        ),
    ),
    "a conversation is found without its tenant": Build(
        "I6",
        (
            (
                "wabot/store/customers.py",
                ".where(Conversation.id == conversation_id, Conversation.tenant == tenant_id)",
                ".where(Conversation.id == conversation_id, tenant_id == tenant_id)",
            ),
        ),
    ),
    "repeated webhooks are counted as new": Build(
        "I8",
        (("wabot/store/webhooks.py", '"duplicate" if duplicates else entry.verdict.value', "entry.verdict.value"),),
    ),
    "who wrote is logged": Build(
        "I9",
        (
            (
                "wabot/core/inbox.py",
                "customers.meet(channel.tenant_id, incoming.customer,",
                "log.warning(incoming.customer) or customers.meet(channel.tenant_id, incoming.customer,",
            ),
        ),
    ),
}


def make(build: Build, folder: Path) -> None:
    """A copy of this tree with the build's changes. Raises ValueError where a text is not there any more."""
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    for name, old, new in build.changes:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{name} has {text.count(old)} times: {old}")
        path.write_text(text.replace(old, new), encoding="utf-8")


def try_out(build: Build, seed: int, seconds: float) -> tuple[Counter[str], str]:
    """How often each invariant was found broken, and what was printed."""
    with tempfile.TemporaryDirectory(prefix="broken-") as name:
        tree = Path(name) / "tree"
        make(build, tree)
        command = [sys.executable, "-m", "tests.chaos", "--seconds", str(seconds), "--kills", "6", "--seed", str(seed),
                   "--drain", "30", "--folder", str(Path(name) / "run")]  # fmt: skip
        done = subprocess.run(
            command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False
        )
    return Counter(re.findall(r"^(I\d) ", done.stdout, re.MULTILINE)), done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--verbose", action="store_true")
    wanted = parser.parse_args()
    missed = 0
    for name, build in BUILDS.items():
        if wanted.names and not any(part in name for part in wanted.names):
            continue
        found, printed = try_out(build, wanted.seed, wanted.seconds)
        caught = found[build.breaks] > 0
        missed += not caught
        seen = ", ".join(f"{count} × {invariant}" for invariant, count in sorted(found.items())) or "nothing"
        print(f"{'caught' if caught else 'MISSED'}  {name}: expected {build.breaks}, found {seen}", flush=True)
        if wanted.verbose or not found:
            print(printed)
    return missed


if __name__ == "__main__":
    sys.exit(main())
