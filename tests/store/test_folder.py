"""What is particular to a folder as a store: killed writers, locks, links, foreign files, full disks."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError, TransientError
from reelmill_stages.store.local.listing import HIDDEN
from reelmill_stages.store.local.record import Record, record_of, side_file
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


def test_a_replaced_object_stays_whole_for_who_has_it_open(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("k", b"old" * 1000)
    with store.open("k") as file:
        store.write("k", b"new")
        assert file.read() == b"old" * 1000


def test_fetching_gives_the_object_itself(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.write("a/k.mp4", b"x")
    assert store.fetch("a/k.mp4", tmp_path) == tmp_path / "store" / "a" / "k.mp4"


def test_objects_are_files_that_others_may_read(tmp_path: Path) -> None:
    LocalStore(tmp_path).write("k", b"x")
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o666 & ~umask


def test_no_folder_outlives_its_objects(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.write("a/b/c/k", b"")
    store.write("a/l", b"")
    store.delete("a/b/c/k")
    assert not (store.root / "a" / "b").exists()
    store.delete("a/l")
    assert not (store.root / "a").exists()
    assert store.root.exists()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("a/b", b"")
    with pytest.raises(StoreError, match="folder has the name"):
        store.write("a", b"")
    for create in (False, True):
        with pytest.raises(StoreError, match="object has the name"):
            store.write("a/b/c", b"", create=create)


def test_the_hidden_folder_is_out_of_reach_at_any_depth(tmp_path: Path) -> None:
    inner = LocalStore(tmp_path / "deep" / "inner")
    inner.write("k", b"")
    outer = LocalStore(tmp_path)
    assert [stat.key for stat in outer.list()] == ["deep/inner/k"]
    with pytest.raises(StoreError):
        outer.read(f"deep/inner/{HIDDEN}/locks/00")


def test_a_store_that_was_never_written_to_is_empty_and_is_not_made_by_reading(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    assert list(store.list()) == []
    assert list(store.list("a/b")) == []
    store.delete("k")
    with pytest.raises(NotFound):
        store.stat("k")
    assert not store.root.exists()


def test_a_foreign_file_is_an_object_whose_etag_tells_a_change(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "v.mp4").write_bytes(b"one")
    before = store.stat("v.mp4")
    assert before.etag == next(store.list()).etag
    assert store.read("v.mp4", if_match=before.etag) == b"one"
    (tmp_path / "v.mp4").write_bytes(b"other")
    with pytest.raises(PreconditionFailed):
        store.read("v.mp4", if_match=before.etag)


def test_an_object_changed_behind_the_stores_back_is_another_one(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    etag = store.write("k", b"one", metadata={"a": "1"}).etag
    with (tmp_path / "k").open("r+b") as file:
        file.write(b"ONE")
    assert store.stat("k").etag != etag
    assert store.stat("k").metadata == {}
    with pytest.raises(PreconditionFailed):
        store.write("k", b"two", if_match=etag)


def test_a_moved_store_keeps_etags_and_metadata(tmp_path: Path) -> None:
    written = LocalStore(tmp_path / "one").write("a/k", b"x", metadata={"a": "1"})
    (tmp_path / "one").rename(tmp_path / "two")
    found = LocalStore(tmp_path / "two").stat("a/k")
    assert (found.etag, found.metadata) == (written.etag, {"a": "1"})


def test_links_are_followed_but_loops_pipes_and_broken_links_are_no_objects(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    elsewhere.mkdir()
    root.mkdir()
    (elsewhere / "v.mp4").write_bytes(b"v")
    (root / "linked").symlink_to(elsewhere)
    (root / "file.mp4").symlink_to(elsewhere / "v.mp4")
    (root / "loop").symlink_to(root)
    (root / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(root / "pipe")
    store = LocalStore(root)
    assert [stat.key for stat in store.list()] == ["file.mp4", "linked/v.mp4"]
    assert store.read("linked/v.mp4") == b"v"
    for key in ("pipe", "broken"):
        with pytest.raises(NotFound):
            store.read(key)


def test_a_file_name_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.mp4")).write_bytes(b"")
    with pytest.raises(StoreError, match="not valid UTF-8") as error:
        list(LocalStore(tmp_path).list())
    assert "bad" in error.value.where


def test_records_can_lie_beside_where_there_are_no_attributes(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "records"
    file.write_bytes(b"body")
    status = file.stat()
    folder.mkdir()
    side_file(status, folder).write_text(
        f'{{"of": [{status.st_ino}, {status.st_mtime_ns}, 4], "etag": "e", "metadata": {{"a": "1"}}}}'
    )
    assert record_of(file, status, folder) == Record("e", {"a": "1"}, written="e")
    file.write_bytes(b"other")
    assert record_of(file, file.stat(), folder).metadata == {}


@pytest.fixture
def no_attributes(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system without extended attributes."""
    folder = tmp_path / "ramfs"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "ramfs", "none", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_file_system_without_attributes_serves_as_well(no_attributes: Path) -> None:
    store = LocalStore(no_attributes)
    first = store.write("k", b"one", create=True, metadata={"who": "first"})
    with pytest.raises(PreconditionFailed):
        store.write("k", b"two", create=True, metadata={"who": "second"})
    assert store.stat("k") == first
    assert store.stat("k").metadata == {"who": "first"}
    second = store.write("k", b"two", if_match=first.etag, metadata={"who": "third"})
    assert store.stat("k").metadata == {"who": "third"}
    assert next(store.list()).etag == second.etag
    store.delete("k")
    assert list((no_attributes / HIDDEN / "records").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 1 MiB."""
    folder = tmp_path / "tmpfs"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_transient_named_and_leaves_what_was_there(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    store.write("k", b"before")
    with pytest.raises(TransientError) as error:
        store.write("k", bytes(2 << 20))
    assert str(small_disk / "k") in str(error.value)
    assert "space" in error.value.hint
    assert store.read("k") == b"before"
    assert list((small_disk / HIDDEN / "tmp").iterdir()) == []
    store.write("k", b"after")


def test_a_limit_on_file_sizes_is_transient_too(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(TransientError, match=os.strerror(errno.EFBIG)):
            LocalStore(tmp_path).write("k", bytes(2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == []


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    script = """
import os, sys
from reelmill.contract.errors import StoreError
from reelmill_stages.store.local.store import LocalStore
if os.getuid() == 0:
    os.setuid(65534)
for act in (lambda s: s.write("k", b""), lambda s: list(s.list()), lambda s: s.read("k")):
    try:
        act(LocalStore(sys.argv[1]))
        sys.exit("allowed")
    except StoreError as error:
        assert type(error) is StoreError and sys.argv[1] in str(error) and "permission" in error.hint, repr(error)
"""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o000)
    for parent in list(folder.parents)[:3]:
        parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)
    folder.chmod(0o700)
    assert done.returncode == 0, done.stderr


def test_a_missing_source_file_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LocalStore(tmp_path).write("k", tmp_path / "missing")


@pytest.fixture
def linked(tmp_path: Path) -> tuple[LocalStore, Path]:
    """A store with links in it to a folder of somebody else and to a file there."""
    precious = tmp_path / "precious"
    (precious / "photos").mkdir(parents=True)
    (precious / "photos" / "a.jpg").write_bytes(b"a photo")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(precious)
    (root / "file.jpg").symlink_to(precious / "photos" / "a.jpg")
    return LocalStore(root), precious


@pytest.mark.parametrize("key", ["folder/photos/a.jpg", "folder/new", "file.jpg"])
def test_nothing_is_written_deleted_or_moved_through_a_link(linked: tuple[LocalStore, Path], key: str) -> None:
    store, precious = linked
    store.write("mine", b"mine")
    for act in (
        lambda: store.write(key, b"other"),
        lambda: store.delete(key),
        lambda: store.move("mine", key),
        lambda: store.move(key, "elsewhere"),
    ):
        with pytest.raises((StoreError, NotFound)):
            act()
    assert files(precious) == ["photos/a.jpg"]
    assert (precious / "photos" / "a.jpg").read_bytes() == b"a photo"
    assert (store.root / "file.jpg").is_symlink()
    assert store.read("mine") == b"mine"


def test_a_store_whose_own_folder_is_a_link_is_used_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    store = LocalStore(tmp_path / "store")
    store.write("a/k", b"x")
    store.delete("a/k")
    store.write("a/l", b"y")
    assert files(tmp_path / "disk") == ["a/l"]


def test_a_listing_can_give_links_themselves_and_say_what_the_store_did_not_write(
    linked: tuple[LocalStore, Path],
) -> None:
    store, _ = linked
    store.write("written", b"x")
    (store.root / "put").write_bytes(b"x")
    (store.root / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    found = {stat.key: stat.foreign for stat in store.list(follow_links=False)}
    assert found == {"file.jpg": True, "folder": True, "put": True, "written": False}
    assert list(store.list("folder/", follow_links=False)) == []


def test_a_copy_of_an_object_is_known_as_one(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("k", b"x")
    shutil.copy2(tmp_path / "k", tmp_path / "copy")
    assert {stat.key: stat.copied for stat in store.list()}["copy"]


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
