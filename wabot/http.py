"""The one door to the network: a total deadline, a cap on the answer's size, no redirects, no
environment proxies, fresh connections, and errors that say whether anything can have been sent."""

import heapq
import json as jsonlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wabot import errors

MAX_ANSWER_BYTES = 1 << 20
RAW_BYTES_KEPT = 2048

_call = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def raw(self) -> bytes:
        """As much of the body as is kept with an attempt."""
        return self.body[:RAW_BYTES_KEPT]

    def json(self) -> Any:
        """The body as JSON; None where it is not JSON."""
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None


def request(
    method: str,
    url: str,
    *,
    deadline_seconds: float,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: Any = None,
    data: bytes | None = None,
    most_bytes: int = MAX_ANSWER_BYTES,
) -> Answer:
    """One request, answered within `deadline_seconds` from now or broken off; more than `most_bytes` are not read.

    Raises TemporaryFailure (`not_sent`) when no connection came about, so nothing was sent, and
    UnknownOutcome (`timeout`, `connection_lost`, `answer_too_large`) for all that went wrong later.
    """
    watch = _Watch(deadline_seconds)
    _call.watch = watch
    parts: list[bytes] = []
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", _FreshConnections())
            session.mount("https://", _FreshConnections())
            with session.request(
                method,
                url,
                headers={"Accept-Encoding": "identity", "User-Agent": "wabot", **(headers or {})},
                auth=auth,
                data=form if data is None else data,
                json=json,
                timeout=(min(10.0, deadline_seconds), deadline_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                _read(response, most_bytes, parts)
            if watch.expired:
                raise errors.UnknownOutcome("timeout", "the answer was broken off", _begun(parts))
            return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, b"".join(parts))
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _translated(error, watch, _begun(parts)) from error
    finally:
        watch.cancel()
        _call.watch = None


def multipart(fields: Mapping[str, str | tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """The body of a form with files, and its content type. A file is its name, its bytes and its type."""
    return urllib3.encode_multipart_formdata(fields)


def _read(response: requests.Response, most: int, parts: list[bytes]) -> None:
    """Add the raw body to `parts` as it comes, never inflated: a compressed answer was not asked for and stays
    unreadable."""
    size = 0
    while chunk := response.raw.read1(65536, decode_content=False):
        parts.append(chunk)
        size += len(chunk)
        if size > most:
            raise errors.UnknownOutcome("answer_too_large", f"more than {most} bytes", _begun(parts))


def _begun(parts: list[bytes]) -> bytes:
    """As much as is kept of an answer that did not come whole."""
    return b"".join(parts)[:RAW_BYTES_KEPT]


def _translated(error: Exception, watch: "_Watch", begun: bytes) -> errors.ProviderFailure:
    what = f"({error.__class__.__name__})"
    if not watch.connected:
        return errors.TemporaryFailure("not_sent", f"no connection could be made {what}")
    if watch.expired or isinstance(error, requests.Timeout):
        return errors.UnknownOutcome("timeout", f"no answer came in time {what}", begun)
    return errors.UnknownOutcome("connection_lost", f"the connection broke before an answer was whole {what}", begun)


class _Watch:
    """Breaks the connection of one call at its deadline: time-outs of sockets count per read, so a
    dripping server would hold a thread for as long as it likes (faults 41)."""

    def __init__(self, seconds: float) -> None:
        self.connected = False
        self.expired = False
        self.cancelled = False
        self.ends_at = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        _watchdog(os.getpid()).mind(self)

    def __lt__(self, other: "_Watch") -> bool:
        return self.ends_at < other.ends_at

    def opened(self, connection: socket.socket) -> None:
        """Watch a connection from before its TLS handshake on, by a duplicate that TLS leaves alone."""
        self._close()
        self._socket = connection.dup()
        if self.expired:
            self._break()

    def ready(self) -> None:
        """From here on something can have been sent."""
        self.connected = not self.expired

    def cancel(self) -> None:
        self.cancelled = True
        self._close()

    def expire(self) -> None:
        self.expired = True
        self._break()

    def _break(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class _Watchdog:
    """One thread that minds the deadlines of all calls: a timer each would be a thread each."""

    def __init__(self) -> None:
        self._soonest_first: list[_Watch] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def mind(self, watch: _Watch) -> None:
        with self._changed:
            heapq.heappush(self._soonest_first, watch)
            if self._soonest_first[0] is watch:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                self._changed.wait(self._until_next())

    def _until_next(self) -> float | None:
        """Let go of what is over and break what is due; the seconds until the next deadline."""
        now, waiting = time.monotonic(), self._soonest_first
        while waiting and (waiting[0].cancelled or waiting[0].ends_at <= now):
            watch = heapq.heappop(waiting)
            if not watch.cancelled:
                watch.expire()
        return waiting[0].ends_at - now if waiting else None


@cache
def _watchdog(_pid: int) -> _Watchdog:
    """This process's: threads do not outlive a fork."""
    return _Watchdog()


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _call.watch.opened(connection)
        return connection

    def connect(self) -> None:
        super().connect()
        _call.watch.ready()


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _call.watch.opened(connection)
        return connection

    def connect(self) -> None:
        super().connect()
        _call.watch.ready()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _FreshConnections(HTTPAdapter):
    """No retries and no reuse: a connection that was closed while idle cannot be told from one that
    broke after the request was read (faults 55)."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=_tls(), **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002
        """Not the inherited one: it reads all certificates anew for each connection, for 16 ms *(ran)*."""
        conn.cert_reqs = "CERT_REQUIRED"
