"""What was confirmed survives: the process dies at a chosen system call, and the power is cut.

`kill -9` alone proves nothing about fsync (faults §0.2); so the writer dies in the middle of its own writing
(strace), and a disk image is copied in one instant while the writer is frozen, as a power cut leaves it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wabot.store import db, migrate

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

WRITER = """
import sys
from pathlib import Path
from wabot import clock, words
from wabot.store import db, webhooks
db.database.open(Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    entry = webhooks.entry(tenant_id=None, channel_id=None, provider="p", dedupe_key=b"%d" % n, target="/",
                           content_type="", body=b"x" * 3000, verdict=words.Verdict.UNROUTED, now=clock.now())
    db.write(lambda: webhooks.add(entry))
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def found(path: Path) -> set[int]:
    """The webhooks in the file, after checking that it is whole and opens without manual steps."""
    with db.side_connection(path) as connection:
        assert list(connection.execute("PRAGMA integrity_check")) == [("ok",)]
        return {int(row[0]) for row in connection.execute("SELECT dedupe_key FROM webhook")}


@pytest.mark.needs("strace", package="strace")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8, 13, 21, 34])
def test_dying_at_any_write_or_sync_loses_nothing_that_was_confirmed(tmp_path: Path, call: str, nth: int) -> None:
    path = tmp_path / "wabot.db"
    migrate.migrate(path)
    inject = f"inject={call}:signal=KILL:when={nth}"
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    run = subprocess.run(
        [*command, sys.executable, "-c", WRITER, str(path), "40"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    confirmed = {int(line) for line in run.stdout.split()}
    kept = found(path)
    assert run.returncode != 0 or len(confirmed) == 40, run.stderr
    assert confirmed <= kept
    assert len(kept) <= len(confirmed) + 1


class Disk:
    """An ext4 in a file, mounted; `cut` freezes the writer and keeps what a power cut would leave."""

    def __init__(self, folder: Path) -> None:
        self.image, self.mount, self.after = folder / "disk", folder / "mnt", folder / "after"
        with self.image.open("wb") as image:
            image.truncate(64 << 20)
        for point in (self.mount, self.after):
            point.mkdir()
        subprocess.run(["mkfs.ext4", "-q", str(self.image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.mount)], check=True)

    def cut(self, writer: subprocess.Popen[str]) -> Path:
        writer.send_signal(signal.SIGSTOP)
        copy = self.image.with_name("copy")
        shutil.copyfile(self.image, copy)
        writer.kill()
        subprocess.run(["mount", "-o", "loop", str(copy), str(self.after)], check=True)
        return self.after / "wabot.db"

    def unmount(self, point: Path) -> None:
        subprocess.run(["umount", str(point)], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of its own in memory; not run where nothing may be mounted."""
    folder = Path("/dev/shm") / f"wabot-{os.getpid()}"
    folder.mkdir()
    made = None
    try:
        made = Disk(folder)
        yield made
    except subprocess.CalledProcessError:
        pytest.skip("a disk image cannot be mounted here: root and loop devices are needed")
    finally:
        if made is not None:
            made.unmount(made.mount)
            made.unmount(made.after)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.needs("mkfs.ext4", package="e2fsprogs")
@pytest.mark.parametrize("after", [3, 40, 150, 400])
def test_a_power_cut_right_after_a_confirmation_loses_nothing(disk: Disk, after: int) -> None:
    path = disk.mount / "wabot.db"
    migrate.migrate(path)
    command = [sys.executable, "-c", WRITER, str(path), "5000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as writer:
        assert writer.stdout is not None
        confirmed = {int(writer.stdout.readline()) for _ in range(after)}
        cut = disk.cut(writer)
        confirmed |= {int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")}
    assert len(confirmed) >= after
    assert confirmed <= found(cut)
