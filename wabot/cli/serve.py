"""`wabot serve`: makes ready what web and the consumer need, then becomes their parent (`supervising`)."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

import wabot
from wabot import boot, clock, config
from wabot.cli import options, supervising
from wabot.cli.base import Command, Failed
from wabot.config import Settings
from wabot.core import demo as demonstration
from wabot.store import db, migrate

ROOT = Path(wabot.__file__).resolve().parents[1]
FILES = ("wsgi.py", "huey_app.py", "gunicorn.conf.py")
DEMO_ORIGIN = "http://localhost:3000"
POSITIVE = click.IntRange(min=1)
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@click.command(cls=Command, needs_file=False)
@click.option("--host", help="Where web listens; default WABOT_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Its port; default WABOT_PORT.")
@click.option("--threads", type=POSITIVE, metavar="N", help="Threads of a web process; default WABOT_THREADS.")
@click.option("--web-workers", type=POSITIVE, metavar="N", help="Web processes; default WABOT_WEB_WORKERS.")
@click.option(
    "--consumer-workers", type=POSITIVE, metavar="N", help="Threads of the consumer; default WABOT_CONSUMER_WORKERS."
)
@click.option("--demo", is_flag=True, help="With demo tenants, their API tokens printed, and /sandbox open.")
@options.as_json
def serve(demo: bool, as_json: bool, **given: Any) -> None:
    """Run web and consumer until Ctrl-C or TERM; creates a missing database, restarts what dies."""
    missing = [name for name in FILES if not (ROOT / name).is_file()]
    if missing:
        raise Failed(f"serve runs from a clone of the project: {', '.join(missing)} is not in {ROOT}")
    settings = _settle(given, demo=demo)
    _ensure_free(settings)
    if not settings.wabot_db.exists():
        migrate.migrate(settings.wabot_db)
    boot.check_file()
    shown = demonstration.set_up(settings.wabot_db.parent, clock.now()) if demo else ""
    db.database.shut()
    _become_parent(settings, _notice(settings, shown, as_json=as_json))


def _settle(given: dict[str, Any], *, demo: bool) -> Settings:
    """The settings of the children: this environment, with what the command line says put into it."""
    for name, value in given.items():
        if value is not None:
            _set(f"WABOT_{name.upper()}", str(value))
    if demo:
        _set("WABOT_DEMO", "1")
        if not config.settings().dashboard_url:
            _set("DASHBOARD_URL", DEMO_ORIGIN)
    config.settings.cache_clear()
    return config.settings()


def _set(variable: str, value: str) -> None:
    os.environ[variable] = value
    os.environ.pop(f"{variable}_FILE", None)


def _ensure_free(settings: Settings) -> None:
    """Raises Failed when someone else listens there: web would fail again and again."""
    where = (settings.wabot_host or None, settings.wabot_port)
    try:
        family, kind, _, _, address = socket.getaddrinfo(*where, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Failed(f"cannot listen on {where[0]} port {where[1]}: {error.strerror}; see --host, --port") from error


def _address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.wabot_host, settings.wabot_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.wabot_port}"


def _notice(settings: Settings, shown: str, *, as_json: bool) -> str:
    """What is printed once web answers."""
    here = _address(settings)
    addresses = {"web": here, "health": f"{here}/health"}
    if shown and settings.public_host_is_loopback:
        addresses["sandbox"] = f"{here}/sandbox"
    if as_json:
        return json.dumps({"addresses": addresses, "demo": shown or None}) + "\n"
    lines = [f"  {name:<8} {url}" for name, url in addresses.items()]
    kept = settings.wabot_db.parent / demonstration.FILE_NAME
    demo = [shown.rstrip(), "", f"Kept in {kept}.", ""] if shown else []
    return "\n".join(["", f"wabot {wabot.__version__} is up. Ctrl-C stops it.", "", *lines, "", *demo, ""])


def _become_parent(settings: Settings, notice: str) -> NoReturn:
    """Replace this process: what was needed to prepare is 40 MB that nobody needs any more.

    The children keep this working directory, so that `.env` and relative paths mean what they meant here;
    the project comes first on their path, so that a `wsgi.py` of this directory is not taken for ours.
    """
    path = [str(ROOT), os.environ.get("PYTHONPATH", ""), os.environ.get("PWD", ""), str(Path.cwd())]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(part for part in path if part)),
        "PYTHONSAFEPATH": "1",
        supervising.NOTICE: notice,
    }
    arguments = [str(ROOT), f"{_address(settings)}/health/live", settings.wabot_log_format]
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, str(supervising.__file__), *arguments], environment)  # noqa: S606
