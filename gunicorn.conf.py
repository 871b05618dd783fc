"""What a bare `gunicorn wsgi:app` needs: the right worker, threads, and a graceful stop."""

import sys
from pathlib import Path

# HUP reads this file again in the process that has the former version's modules, and its web processes inherit them.
for _name in [name for name in sys.modules if name.partition(".")[0] == "wabot"]:
    del sys.modules[_name]

from wabot import boot  # noqa: E402

_settings = boot.start()

bind = f"{_settings.wabot_host}:{_settings.wabot_port}"
worker_class = "gthread"
workers = _settings.wabot_web_workers
threads = _settings.wabot_threads
graceful_timeout = 4
timeout = 60
keepalive = 5
backlog = 1024
control_socket_disable = True
forwarded_allow_ips = ""
limit_request_fields = 100
limit_request_field_size = 8190
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - the heartbeat file must not touch a disk
loglevel = _settings.wabot_log_level.replace("debug", "info")  # at debug it logs paths, and their keys let in
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ours": {"()": boot.formatter(_settings)}},
    "handlers": {"ours": {"class": "logging.StreamHandler", "formatter": "ours"}},
    "root": {"level": _settings.wabot_log_level.upper(), "handlers": ["ours"]},
    "loggers": {"gunicorn.error": {"level": loglevel.upper(), "handlers": [], "propagate": True}},
}


def on_starting(_server):
    """Refuse a file that does not fit before any worker is forked."""
    boot.check_file()
