"""`wabot migrate`, `config`, `doctor` and `queue`: for the person who runs wabot."""

from typing import Any

import click

from wabot import clock, config
from wabot.cli import options, output
from wabot.cli.base import Command
from wabot.core import doctor as checking
from wabot.store import inspect, outbox, runs, submissions, workers
from wabot.store import migrate as migrating


@click.command(cls=Command, needs_file=False)
@options.as_json
def migrate(as_json: bool) -> None:
    """Create the database, or bring it to this version after a backup."""
    path = config.settings().wabot_db
    steps = migrating.migrate(path)
    sentence = f"{path}: {', '.join(steps)}" if steps else f"{path} is up to date"
    output.said({"file": str(path), "steps": steps}, sentence, as_json)


@click.command("config", cls=Command, needs_file=False)
@options.as_json
def config_(as_json: bool) -> None:
    """Print the effective settings, secrets masked."""
    output.one(config.masked(config.settings()), as_json)


@click.command(cls=Command, needs_file=False)
@options.as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check everything that must be right, each with its fix; exit 1 if one fails."""
    checks = checking.examine()
    output.checks(checks, as_json)
    ctx.exit(int(not all(found.ok for found in checks)))


@click.command(cls=Command)
@options.as_json
def queue(as_json: bool) -> None:
    """Show what waits, since when, what is dead, and whether the consumer is at work."""
    now = clock.now()
    beat, work = workers.last_beat("consumer"), inspect.waiting()
    row: dict[str, Any] = outbox.depths() | {
        "oldestDueAt": clock.iso(outbox.oldest_due(now)),
        "webhooksPending": work.webhooks,
        "answersPending": work.answers,
        **submissions.depths(),
        "retryRuns": runs.open_runs(),
        "tasks": work.tasks,
        "sandboxDeliveries": work.sandbox_deliveries,
        "channelsPaused": work.channels_paused,
        "consumerBeatAt": clock.iso(beat),
        "consumerBeatAgeSeconds": round((now - beat).total_seconds(), 1) if beat else None,
    }
    output.one(row, as_json)
