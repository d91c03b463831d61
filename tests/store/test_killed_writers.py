"""What a killed writer leaves in a folder is seen by nobody, and swept when it is old."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelmill.contract.errors import NotFound
from reelmill_stages.store.local.listing import HIDDEN
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.local.temporary import STALE_SECONDS

WRITER = """
import sys
from pathlib import Path
from reelmill_stages.store.local.store import LocalStore
LocalStore(sys.argv[1]).write("k", Path(sys.argv[2]), metadata={"who": "killed"})
"""


def files(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and HIDDEN not in path.parts
    )


@pytest.fixture
def half_written(tmp_path: Path) -> Iterator[tuple[LocalStore, subprocess.Popen[bytes], Path]]:
    """A store, a process that stands in the middle of a write, and its temporary file."""
    root, pipe = tmp_path / "store", tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(pipe)])
    with pipe.open("wb", buffering=0) as feed:
        feed.write(bytes(1 << 20))
        temps = root / HIDDEN / "tmp"
        deadline = time.monotonic() + 120
        while not (temps.exists() and (found := list(temps.iterdir())) and found[0].stat().st_size):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield LocalStore(root), process, found[0]
        process.kill()
    process.wait(120)


def test_a_writer_killed_in_the_middle_leaves_nothing_visible(half_written) -> None:
    store, process, temp = half_written
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert temp.exists()
    assert list(store.list()) == []
    assert files(store.root) == []
    with pytest.raises(NotFound):
        store.read("k")
    store.write("k", b"the next one", create=True)
    assert store.read("k") == b"the next one"


def test_what_a_killed_writer_left_is_swept_when_it_is_old(half_written) -> None:
    store, process, temp = half_written
    process.send_signal(signal.SIGKILL)
    process.wait()
    LocalStore(store.root).write("other", b"")
    assert temp.exists()
    old = time.time() - STALE_SECONDS - 60
    os.utime(temp, (old, old))
    LocalStore(store.root).write("other", b"")
    assert not temp.exists()


def test_a_slow_writer_that_lives_is_not_swept(half_written) -> None:
    store, process, temp = half_written
    old = time.time() - STALE_SECONDS - 60
    os.utime(temp, (old, old))
    LocalStore(store.root).write("other", b"")
    assert temp.exists()
    assert process.poll() is None


def test_a_sweep_takes_files_that_are_named_as_temporary_ones_and_no_other(tmp_path: Path) -> None:
    temps = tmp_path / HIDDEN / "tmp"
    (temps / "folder").mkdir(parents=True)
    old = time.time() - STALE_SECONDS - 60
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (temps / ("b" * 32)).symlink_to(outside)
    for path in (temps / "notes.txt", temps / "folder" / ("c" * 32), temps / ("a" * 32)):
        path.write_bytes(b"")
        os.utime(path, (old, old))
    os.utime(outside, (old, old))
    LocalStore(tmp_path).write("k", b"")
    assert {path.name for path in temps.iterdir()} == {"notes.txt", "folder", "b" * 32}
    assert outside.read_bytes() == b"mine"
