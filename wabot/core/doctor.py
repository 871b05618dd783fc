"""Everything that must be right for wabot to work, each with its verdict and its fix. A check that is well
and still names a fix is a note: something to know, not something broken."""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import metadata
from pathlib import Path

from dotenv import dotenv_values

from wabot import clock, config, errors, sealing, words
from wabot.config import Settings
from wabot.core import catalogs, fetching, upkeep
from wabot.core.checkup import Check, stays_sealed
from wabot.store import db, inspect, migrate, tenants, workers

SPARE_BYTES = 256 << 20
UNASKED_FORWARDING = "forwarded"
"""The beat that web leaves when a request came through a proxy that WABOT_TRUSTED_PROXIES does not name."""
FORWARDING_REMEMBERED = timedelta(days=1)
MOST_MERCHANTS = 5
MERCHANT_SECONDS = 5.0
_MENU_FIX = "set SUFRAH_API_KEY and SUFRAH_API_BASE as the platform gave them"
_MENU_FIXES = {"no_merchant": "wabot tenant edit SLUG --catalog-merchant UUID, or keep a menu of its own"}
_FLOOR = re.compile(r"([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+)")


def examine() -> list[Check]:
    """Every check of this installation. Works without a file, and then says how to make one."""
    settings = config.settings()
    found = [*_programs(), *_settings(settings), *_disk(settings)]
    broken = _file(settings)
    if broken is not None:
        return [*found, broken]
    found += [Check("file", True, f"{settings.wabot_db} is of this version"), _soundness()]
    if not found[-1].ok:
        return found
    parts: tuple[Callable[[Settings], Iterator[Check]], ...] = (_writing, _modes, _key, _size, _work, _channels, _menus)
    return [*found, *_all(parts, settings)]


def _all(parts: tuple[Callable[[Settings], Iterator[Check]], ...], settings: Settings) -> Iterator[Check]:
    for part in parts:
        try:
            yield from part(settings)
        except (errors.WabotError, OSError) as error:
            yield Check(part.__name__.strip("_"), False, str(error), "mend this first, then run `wabot doctor` again")


def _programs() -> Iterator[Check]:
    try:
        migrate.check_sqlite()
        yield Check("sqlite", True, inspect.sqlite_version())
    except errors.ConfigurationError as error:
        yield Check("sqlite", False, str(error), "install a newer apsw: pip install --upgrade apsw")
    try:
        wanted = metadata.requires("wabot") or []
    except metadata.PackageNotFoundError:
        yield Check("libraries", True, "not known: wabot is not installed as a package", "run `make run` once")
        return
    old = [line for line in wanted if "extra ==" not in line and _is_old(line)]
    yield Check("libraries", not old, ", ".join(old) or "all at or above their floor",
                "install what deploy/requirements.lock names" if old else "")  # fmt: skip


def _is_old(wanted: str) -> bool:
    floor = _FLOOR.match(wanted)
    if floor is None:
        return False
    try:
        return _version(metadata.version(floor[1])) < _version(floor[2])
    except metadata.PackageNotFoundError:
        return True


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", text, maxsplit=1)[0])]
    return tuple([*numbers, 0, 0, 0][:3])


def _settings(settings: Settings) -> Iterator[Check]:
    url, loopback = settings.wabot_public_url, settings.public_host_is_loopback
    secure = url.startswith("https://")
    if loopback:
        yield Check("public url", True, f"{url} is this machine only", "set WABOT_PUBLIC_URL to what providers call")
    else:
        yield Check("public url", secure, url, "" if secure else "set WABOT_PUBLIC_URL to an https:// address")
    yield _proxies(settings, secure=secure and not loopback)
    for name, value in config.masked(settings).items():
        if name.endswith("_WEBHOOK_VALIDATE") and value is False:
            yield Check("signatures", True, f"{name}=false: webhooks are taken unsigned", f"unset {name}")
    for name in sorted(set(config.FOREIGN) & {*os.environ, *dotenv_values(".env")}):
        yield Check("settings", True, f"{name} is not needed: {config.FOREIGN[name]}", f"unset {name}")


def _proxies(settings: Settings, *, secure: bool) -> Check:
    trusted, fix = settings.wabot_trusted_proxies, "set WABOT_TRUSTED_PROXIES to the number of proxies in front"
    if trusted:
        return Check("proxies", True, f"{trusted} in front may say who calls")
    if secure:
        return Check("proxies", True, "https comes through a proxy, and none is trusted to say who calls", fix)
    return Check("proxies", True, "none is trusted")


def _disk(settings: Settings) -> Iterator[Check]:
    path = settings.wabot_db
    folder = next((folder for folder in (path.parent, *path.parent.parents) if folder.exists()), Path())
    needed = SPARE_BYTES + (path.stat().st_size if path.exists() else 0)
    free = shutil.disk_usage(folder).free
    enough = free >= needed
    fix = f"make room on the disk of {folder.absolute()}: an upgrade copies the file"
    yield Check("disk", enough, f"{_mib(free)} free, {_mib(needed)} wanted", "" if enough else fix)


def _file(settings: Settings) -> Check | None:
    try:
        migrate.check(settings.wabot_db)
    except (errors.ConfigurationError, OSError) as error:
        said, _, fix = str(error).partition(": ")
        if fix.startswith("run `wabot migrate`"):
            return Check("file", False, said, fix)
        return Check("file", False, str(error), "name the right file in WABOT_DB, or restore a backup")
    return None


def _soundness() -> Check:
    found = inspect.damage()
    return Check("soundness", not found, "; ".join(found) or "quick_check and foreign_key_check are clean",
                 "stop all processes, keep a copy, restore the last backup" if found else "")  # fmt: skip


def _writing(_settings: Settings) -> Iterator[Check]:
    try:
        db.write(lambda: workers.beat("doctor", clock.now()), deadline=10)
        yield Check("writing", True, "the file can be written")
    except errors.CannotWrite as error:
        yield Check("writing", False, str(error), "end that process, or mend the disk")


def _modes(settings: Settings) -> Iterator[Check]:
    path = settings.wabot_db
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", ".gate")]
    kept = [file for file in (*beside, path.parent / "secret.key", path.parent / "demo.txt") if file.exists()]
    wrong = [f"chmod 600 {file}" for file in kept if _mode(file) & 0o077]
    if _mode(path.parent) & 0o077:
        wrong.append(f"chmod 700 {path.parent}")
    yield Check("modes", not wrong, "others can look in" if wrong else "the file and its folder are for their owner",
                " && ".join(wrong))  # fmt: skip


def _mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _key(settings: Settings) -> Iterator[Check]:
    channels = tenants.channels()
    kept = settings.wabot_db.parent / "secret.key"
    if not settings.secret("wabot_secret_key") and not kept.exists():
        lost = "credentials of channels are sealed with a key that is gone" if channels else "made at the first start"
        yield Check("secret key", not channels, lost, f"restore {kept} or WABOT_SECRET_KEY" if channels else "")
        return
    sealing.secret_key(settings)
    shut = [str(channel.id) for channel in channels if stays_sealed(channel)]
    fix = "restore the secret key (`new,old` rotates), or give each its credentials: wabot channel edit ID --set …"
    yield Check("secret key", not shut, f"does not open channel {', '.join(shut)}" if shut else "opens all channels",
                fix if shut else "")  # fmt: skip


def _size(settings: Settings) -> Iterator[Check]:
    wal = settings.wabot_db.with_name(settings.wabot_db.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    well = size <= db.WAL_LIMIT_BYTES
    yield Check("wal", well, f"{_mib(size)} not yet moved into the file, {_mib(db.WAL_LIMIT_BYTES)} at most",
                "" if well else "a process reads without end: restart web and the consumer")  # fmt: skip


def _work(_settings: Settings) -> Iterator[Check]:
    beat, now = workers.last_beat("consumer"), clock.now()
    alive = beat is not None and now - beat <= upkeep.BEAT_IS_STALE_AFTER
    said = f"last at work {round((now - beat).total_seconds())} s ago" if beat else "never at work"
    yield Check("consumer", alive, said, "" if alive else "start it: wabot serve, or huey_consumer huey_app.huey")
    seen = workers.last_beat(UNASKED_FORWARDING)
    if seen is not None and now - seen < FORWARDING_REMEMBERED:
        yield Check("forwarding", False, "requests come through a proxy that is not trusted",
                    "set WABOT_TRUSTED_PROXIES to the number of proxies in front")  # fmt: skip


def _channels(_settings: Settings) -> Iterator[Check]:
    paused = [channel for channel in tenants.channels() if channel.status is words.ChannelStatus.PAUSED]
    for channel in paused:
        by_hand = channel.pause_code == "paused"
        fix = f"wabot channel resume {channel.id}" if by_hand else f"wabot channel check {channel.id}"
        said = f"channel {channel.id} of {channel.tenant.slug} is paused: {channel.pause_reason}"
        yield Check("channels", by_hand, said, fix)
    if not paused:
        yield Check("channels", True, "none is paused")


def _menus(_settings: Settings) -> Iterator[Check]:
    """Whether the order platform knows the merchants of the first tenants whose menus are there."""
    for tenant in [tenant for tenant in tenants.all_tenants() if catalogs.is_fetched(tenant)][:MOST_MERCHANTS]:
        try:
            found = len(fetching.client(tenant, seconds=MERCHANT_SECONDS).categories())
            yield Check("catalog", True, f"the order platform has {found} categories of {tenant.slug}")
        except errors.ProviderFailure as failure:
            passing = isinstance(failure, errors.TemporaryFailure | errors.Throttled)
            fix = "look again in a while" if passing else _MENU_FIXES.get(failure.code, _MENU_FIX)
            yield Check("catalog", passing, f"the menu of {tenant.slug} cannot be read: {failure}", fix)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
