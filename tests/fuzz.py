"""Fuzzes what reads strangers' requests: `python -m tests.fuzz [seconds] [parser]`.

Every provider of the registry is a parser; without a name each gets its share of the time. The bytes make a request,
whose body is also read as an answer about usage; only Unreadable may be raised, and all that is read must fit into the
file. With atheris the interpreter's branches
guide it; without, it changes the bytes of real payloads at random. What breaks is written to the working directory.
"""

import argparse
import contextlib
import inspect
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.providers import metering, payloads
from wabot import errors
from wabot.config import Settings
from wabot.providers import REGISTRY, by_name, figures
from wabot.providers.base import Arrived

try:
    import atheris
except ImportError:
    atheris = None

TYPES = ("application/x-www-form-urlencoded", "application/json", "", "application/json; charset=utf-8")
METHODS = ("POST", "GET", "PUT", "POST")
SEPARATOR = b"\n\n"
LARGEST = 2**63 - 1


def request(data: bytes) -> Arrived:
    """The request that some bytes are: a byte of choices, the target, the signature, the body."""
    choices = data[:1] or b"\0"
    target, _, rest = data[1:].partition(SEPARATOR)
    signature, _, body = rest.partition(SEPARATOR)
    header = signature.decode("latin-1")
    names = ("x-twilio-signature", "x-hub-signature-256", "x-sandbox-signature", "interakt-signature", "x-any")
    headers = {"content-type": TYPES[choices[0] % 4], names[choices[0] // 16 % len(names)]: header}
    return Arrived(METHODS[choices[0] // 4 % 4], "/" + target.decode("utf-8", "surrogateescape"), headers, body)


def written(arrived: Arrived) -> bytes:
    """The bytes that are this request, as far as they can be."""
    kinds = [kind for kind in TYPES if arrived.headers.get("content-type", "").startswith(kind or "?")]
    choice = TYPES.index(kinds[0]) if kinds else 2
    choice += 4 * METHODS.index(arrived.method) if arrived.method in METHODS else 0
    return bytes([choice]) + SEPARATOR.join([arrived.target[1:].encode("utf-8", "replace"), b"", arrived.body])


def check(name: str, data: bytes) -> None:
    """Give the bytes to all of a provider that reads strangers' requests. Raises what must not be raised."""
    provider, arrived, account = by_name(name), request(data), payloads.ACCOUNTS[name]
    provider.recognises(arrived)
    for address in provider.addresses(arrived):
        must_be_storable(address)
    assert not provider.verify(arrived, account, payloads.PUBLIC_URL), "a forged signature verifies"
    answer = provider.challenge(arrived, account)
    assert answer is None or answer.body.isprintable()
    with contextlib.suppress(errors.Unreadable):
        items = list(provider.parse(arrived))
        for item in items:
            must_be_storable(item)
    with contextlib.suppress(errors.Unreadable):
        for day in metering.READERS[name](figures.parsed(arrived.body)):
            must_be_storable(day)
            assert min(day.delivered, day.billable, day.cost_micros or 0, *day.categories.values()) >= 0
    provider.account("+966110000001", {}, Settings())


def must_be_storable(value: Any) -> None:
    """Every text without NUL and lone surrogates, every whole number within 64 bits, and all of it JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            must_be_storable(getattr(value, each.name))
    elif isinstance(value, str):
        assert "\0" not in value, "NUL in a text"
        value.encode()
    elif isinstance(value, dict):
        json.dumps(value, allow_nan=False, default=str)
        for key, part in value.items():
            must_be_storable(key)
            must_be_storable(part)
    elif isinstance(value, list | tuple):
        for part in value:
            must_be_storable(part)
    elif isinstance(value, int):
        assert abs(value) <= LARGEST, "a number of more than 64 bits"
    else:
        assert value is None or isinstance(value, float | bytes | date), type(value)


def seeds(name: str) -> list[bytes]:
    """The requests of a provider's payloads and its answers about usage, as bytes."""
    requests = [payloads.read(name, situation)[0] for situation in payloads.of(name)]
    told = [answer for situation in metering.of(name) for answer in metering.read(name, situation)["answers"]]
    answers = [Arrived("POST", "/", {"content-type": "application/json"}, json.dumps(said).encode()) for said in told]
    return [written(arrived) for arrived in (*requests, *answers)]


def at_random(name: str, seconds: float) -> int:
    """How many random changes of the seeds were tried. Raises what must not be raised."""
    known, chance, ends_at, tried = seeds(name), random.Random(), time.monotonic() + seconds, 0
    while time.monotonic() < ends_at:
        for data in _changed(known, chance):
            tried += 1
            _checked(name, data)
    return tried


def _changed(known: list[bytes], chance: random.Random) -> Iterator[bytes]:
    data = bytearray(chance.choice(known))
    for _ in range(chance.randint(1, 8)):
        start, much = chance.randrange(len(data) + 1), chance.choice((0, 0, 1, 2, 8, 64))
        other = chance.choice(known)
        from_ = chance.randrange(len(other))
        pieces = (b"", b"null", b"[]", b"{}", b"1e999", b"\\u0000", b"\\ud800", b"9" * 30, b"%00", b"&", b"\xff", b'"')
        piece = chance.choice((*pieces, other[from_ : from_ + chance.randint(0, 80)], chance.randbytes(4)))
        data[start : start + much] = piece
        yield bytes(data)


def _checked(name: str, data: bytes) -> None:
    try:
        check(name, data)
    except Exception:
        Path(f"fuzz-{name}").write_bytes(data)
        raise


def guided(name: str, seconds: float) -> None:
    """Atheris ends the process itself, so this is the last that it does."""
    corpus = Path(f"fuzz-corpus-{name}")
    corpus.mkdir(exist_ok=True)
    for n, seed in enumerate(seeds(name)):
        (corpus / str(n)).write_bytes(seed)
    for function in _ours():
        atheris.instrument_func(function)
    options = [f"-max_total_time={max(1, int(seconds))}", f"-artifact_prefix=fuzz-{name}-", "-max_len=16384"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: check(name, data))
    atheris.Fuzz()


def _ours() -> Iterator[Callable[..., Any]]:
    """The functions of the adapters: to be guided by all of Python takes a minute to begin with."""
    for module in [module for name, module in sys.modules.items() if name.startswith("wabot.providers")]:
        holders = [module, *(each for each in vars(module).values() if inspect.isclass(each))]
        for holder in holders:
            own = [each for each in vars(holder).values() if inspect.isfunction(each)]
            yield from (each for each in own if each.__module__ == module.__name__)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("parser", nargs="?", choices=sorted(REGISTRY))
    wanted = parser.parse_args()
    names = [wanted.parser] if wanted.parser else sorted(REGISTRY)
    share = wanted.seconds / len(names)
    if atheris is None:
        for name in names:
            print(f"{name}: {at_random(name, share)} requests, none of which did harm (without atheris)", flush=True)
        return 0
    return max(_apart(guided, name, share) for name in names)


def _apart(run: Callable[[str, float], Any], name: str, seconds: float) -> int:
    """The exit status of a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=run, args=(name, seconds))
    process.start()
    process.join()
    return process.exitcode or 0


if __name__ == "__main__":
    sys.exit(main())
