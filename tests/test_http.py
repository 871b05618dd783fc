"""The one door to the network, against a small server that misbehaves on purpose.

No test looks at the clock: what never ends would run into pytest's own time-out.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wabot import errors, http

DEADLINE = 0.5
FOREVER = 10_000

Behaviour = Callable[[socket.socket], None]
Serve = Callable[[Behaviour], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that gives each connection to a behaviour; returns its address without scheme."""
    stopping = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(behaviour: Behaviour) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        listeners.append(listener)
        threads.append(threading.Thread(target=_accept, args=(listener, behaviour, stopping), daemon=True))
        threads[-1].start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    stopping.set()
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


def _accept(listener: socket.socket, behaviour: Behaviour, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            behaviour(connection)


def read_request(connection: socket.socket) -> bytes:
    """A request without a body, or with one that came in the same segment as its headers' end."""
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = connection.recv(65536)
        if not chunk:
            break
        read += chunk
    return read


def answers(*parts: bytes, pause: float = 0) -> Behaviour:
    """Reads the request, then sends the parts, and closes."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        wait = threading.Event()
        for part in parts:
            connection.sendall(part)
            wait.wait(pause)

    return behave


def drips(start: bytes, *, pause: float = 0.1) -> Behaviour:
    """Sends a start, then one byte at a time for as long as anyone listens."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(start)
        wait = threading.Event()
        for _ in range(FOREVER):
            connection.sendall(b"x")
            wait.wait(pause)

    return behave


def resets(connection: socket.socket) -> None:
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def get(address: str, *, scheme: str = "http", deadline_seconds: float = DEADLINE) -> http.Answer:
    return http.request("GET", f"{scheme}://{address}/path?q=1", deadline_seconds=deadline_seconds)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Twice: a\r\nX-Twice: b\r\n\r\nhi"


def test_an_answer_has_its_status_lower_case_headers_and_body(serve: Serve) -> None:
    answer = get(serve(answers(OK)), deadline_seconds=10)
    assert (answer.status, answer.body, answer.raw) == (200, b"hi", b"hi")
    assert answer.headers["x-twice"] == "a, b"


def test_an_error_status_is_an_answer_like_any_other(serve: Serve) -> None:
    answer = get(serve(answers(b'HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n{"code":1}')), deadline_seconds=10)
    assert (answer.status, answer.json()) == (500, {"code": 1})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_reads_as_none(body: bytes) -> None:
    assert http.Answer(200, {}, body).json() is None


def test_only_the_first_two_kilobytes_are_kept_with_an_attempt() -> None:
    assert len(http.Answer(200, {}, b"x" * 10_000).raw) == 2048


def test_a_refused_connection_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(errors.TemporaryFailure) as failure:
        get(address)
    assert failure.value.code == "not_sent"
    assert failure.value.message.startswith("no connection could be made (")


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
def test_an_address_that_is_none_sent_nothing(url: str) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        http.request("GET", url, deadline_seconds=DEADLINE)
    assert failure.value.code == "not_sent"


def test_a_deadline_that_has_passed_sent_nothing(serve: Serve) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        get(serve(answers(OK)), deadline_seconds=-1)
    assert failure.value.code == "not_sent"


def test_a_reset_after_the_request_is_an_unknown_outcome(serve: Serve) -> None:
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(serve(resets), deadline_seconds=10)
    assert failure.value.code == "connection_lost"
    assert failure.value.message.startswith("the connection broke before an answer was whole (")


def test_a_connection_closed_without_an_answer_is_an_unknown_outcome(serve: Serve) -> None:
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(serve(answers()), deadline_seconds=10)
    assert failure.value.code == "connection_lost"


def test_what_came_of_an_answer_that_was_cut_short_is_kept(serve: Serve) -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n"
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(serve(answers(head + b"{" * 3000)), deadline_seconds=10)
    assert failure.value.raw == b"{" * 2048


@pytest.mark.parametrize(
    "cut_short",
    [
        b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_broken_answer_is_an_unknown_outcome(serve: Serve, cut_short: bytes) -> None:
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(serve(answers(cut_short)), deadline_seconds=10)
    assert failure.value.code == "connection_lost"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
    ],
    ids=["status line", "header", "body", "body without a length", "chunk"],
)
def test_a_dripping_answer_is_broken_off_at_the_total_deadline(serve: Serve, start: bytes) -> None:
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(serve(drips(start)))
    assert failure.value.code == "timeout"


def test_an_answer_that_never_comes_is_an_unknown_outcome(serve: Serve) -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    with pytest.raises(errors.UnknownOutcome) as failure:
        get(serve(behave))
    assert failure.value.code == "timeout"
    assert failure.value.message.startswith("no answer came in time (")


def test_a_tls_handshake_that_drips_is_broken_off_and_sent_nothing(serve: Serve) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x3f\xff")
        for _ in range(FOREVER):
            connection.sendall(b"\x02")
            threading.Event().wait(0.1)

    with pytest.raises(errors.TemporaryFailure) as failure:
        get(serve(behave), scheme="https")
    assert failure.value.code == "not_sent"


def test_a_server_without_tls_sent_nothing(serve: Serve) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        get(serve(answers(OK)), scheme="https")
    assert failure.value.code == "not_sent"


def test_200_megabytes_are_cut_off_after_one(serve: Serve) -> None:
    sent = 0

    def behave(connection: socket.socket) -> None:
        nonlocal sent
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"x" * 1_000_000)
            sent += 1_000_000

    address = serve(behave)
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(address, deadline_seconds=30)
    assert failure.value.code == "answer_too_large"
    assert len(failure.value.raw) == 2048
    assert sent < 50_000_000


def test_a_compressed_answer_stays_as_it_is(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    assert get(serve(answers(head + b"\x1f\x8b\x08\x00")), deadline_seconds=10).body == b"\x1f\x8b\x08\x00"


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    visited = threading.Event()

    def elsewhere(connection: socket.socket) -> None:
        visited.set()
        answers(OK)(connection)

    location = serve(elsewhere).encode()
    head = b"HTTP/1.1 302 Found\r\nLocation: http://" + location + b"/\r\nContent-Length: 0\r\n\r\n"
    assert get(serve(answers(head)), deadline_seconds=10).status == 302
    assert not visited.is_set()


def test_the_environment_has_no_say(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(serve(answers(OK)), deadline_seconds=10).status == 200


def test_every_request_has_a_connection_of_its_own(serve: Serve) -> None:
    connections: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        connections.append(read_request(connection))
        connection.sendall(OK)

    address = serve(behave)
    for _ in range(3):
        get(address, deadline_seconds=10)
    assert len(connections) == 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return path


def over_tls(certificate: Path, behaviour: Behaviour) -> Behaviour:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            behaviour(secure)

    return behave


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http._tls.cache_clear()
    yield certificate
    http._tls.cache_clear()


def port(address: str) -> str:
    return address.rpartition(":")[2]


def test_a_trusted_certificate_is_taken(serve: Serve, trusted: Path) -> None:
    address = serve(over_tls(trusted, answers(OK)))
    assert get(f"localhost:{port(address)}", scheme="https", deadline_seconds=10).body == b"hi"


def test_a_certificate_for_another_name_is_refused_and_nothing_sent(serve: Serve, trusted: Path) -> None:
    with pytest.raises(errors.TemporaryFailure) as failure:
        get(serve(over_tls(trusted, answers(OK))), scheme="https", deadline_seconds=10)
    assert failure.value.code == "not_sent"


def test_a_certificate_that_nobody_trusts_is_refused_and_nothing_sent(serve: Serve, certificate: Path) -> None:
    address = serve(over_tls(certificate, answers(OK)))
    with pytest.raises(errors.TemporaryFailure) as failure:
        get(f"localhost:{port(address)}", scheme="https", deadline_seconds=10)
    assert failure.value.code == "not_sent"


def test_a_dripping_answer_is_broken_off_over_tls_too(serve: Serve, trusted: Path) -> None:
    address = serve(over_tls(trusted, drips(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")))
    with pytest.raises(errors.UnknownOutcome) as failure:
        get(f"localhost:{port(address)}", scheme="https")
    assert failure.value.code == "timeout"
