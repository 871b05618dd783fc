"""CLICK: the `wabot` command. Commands take arguments out of the command line, call one verb, and print."""

import click

import wabot
from wabot.cli import (
    bootstraps,
    channels,
    menus,
    messages,
    operate,
    orders,
    rates,
    retries,
    serve,
    templates,
    tenants,
    tokens,
    usage,
    usage_jobs,
    webhooks,
)
from wabot.cli.base import Group


@click.group(cls=Group)
@click.version_option(wabot.__version__, prog_name="wabot")
def main() -> None:
    """WhatsApp bots for many tenants, in one SQLite file."""


main.arrange(
    {
        "Run": [serve.serve, operate.migrate, operate.config_, operate.doctor, operate.queue],
        "Who": [tenants.tenant, channels.channel, templates.template, menus.menu, tokens.token],
        "What happens": [
            messages.send,
            messages.message,
            messages.log,
            retries.retry,
            orders.order,
            webhooks.webhook,
            usage.usage,
            bootstraps.bootstrap,
        ],
    }
)
for command in (*usage_jobs.COMMANDS, rates.rates):
    usage.usage.add_command(command)
