"""What a send meets at the provider: drawn from the seed and the number of the call, and carried out on the socket."""

import contextlib
import itertools
import random
import socket
import struct
import time
from email.utils import formatdate

HUGE_BYTES = 200_000_000
HANG_SECONDS = 12.0
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
ODD_WAITS = ("7", "-1", "99999999", "soon", "0", "1", "", "2.5")

WEIGHTS = {
    "ok": 520,
    "slow": 60,
    "reset_unread": 25,
    "reset_before": 35,
    "reset_after": 45,
    "hang_before": 15,
    "hang_after": 20,
    "drip": 20,
    "huge": 8,
    "throttle": 30,
    "unavailable": 10,
    "server_error": 30,
    "server_error_after": 25,
    "temporary": 25,
    "permanent": 12,
    "broken_json": 25,
    "html": 10,
    "empty": 8,
    "short": 12,
    "redirect": 6,
    "unauthorised": 3,
}
ACCEPTED = {"ok", "slow", "reset_after", "hang_after", "drip", "huge", "server_error_after"}
ACCEPTED |= {"broken_json", "html", "empty", "short"}
"""The faults under which the send is carried out all the same."""


def draw(seed: int, n: int) -> random.Random:
    """The chance of the n-th call of a run."""
    return random.Random(f"{seed}/call/{n}")


def choose(chance: random.Random) -> str:
    return chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def misbehave(handler, fault: str, chance: random.Random, vendor, made: dict) -> None:
    """Answer as the fault says; `made` is what would be answered if all were well."""
    whole = vendor.encode(made)
    handler.close_connection = True
    with contextlib.suppress(OSError):
        if fault in ("reset_before", "reset_after"):
            reset(handler.connection)
        elif fault in ("hang_before", "hang_after"):
            handler.connection.settimeout(HANG_SECONDS)
            handler.connection.recv(1)
        elif fault == "drip":
            handler.head(vendor.accepted_status, len(whole) + 1000)
            _stream(handler, (whole[n : n + 1] for n in range(len(whole))), 0.3)
        elif fault == "huge":
            handler.head(vendor.accepted_status, HUGE_BYTES)
            _stream(handler, itertools.repeat(b"x" * 65536, HUGE_BYTES // 65536), 0)
        elif fault == "short":
            handler.head(vendor.accepted_status, len(whole) + 50)
            handler.wfile.write(whole)
        else:
            _answer(handler, fault, chance, vendor, whole)


def _answer(handler, fault, chance, vendor, whole):
    if fault == "slow":
        time.sleep(chance.uniform(0.2, 1.2))
    plain = {"broken_json": whole[: len(whole) // 2], "html": HTML, "empty": b""}
    if fault == "throttle":
        wait = chance.choice((*ODD_WAITS, formatdate(time.time() + 3, usegmt=True)))
        handler.answer(429, b"{}", {"Retry-After": wait} if wait else {})
    elif fault == "unavailable":
        handler.answer(503, HTML, {"Retry-After": "1"})
    elif fault in ("server_error", "server_error_after"):
        handler.answer(chance.choice((500, 502, 504)), HTML)
    elif fault == "redirect":
        handler.answer(302, b"", {"Location": "http://169.254.169.254/latest"})
    elif fault in ("temporary", "permanent", "unauthorised"):
        status, body = vendor.problem(fault)
        handler.answer(status, body)
    else:
        handler.answer(vendor.accepted_status, plain.get(fault, whole))


def _stream(handler, parts, pause):
    for part in parts:
        handler.wfile.write(part)
        handler.wfile.flush()
        time.sleep(pause)
