"""What is particular to a folder as a store: killed writers, locks, links, foreign files, full disks."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelmill.contract.errors import NotFound, PreconditionFailed, StoreError, TransientError
from reelmill_stages.store.local.listing import HIDDEN
from reelmill_stages.store.local.record import Record, record_of, side_file
from reelmill_stages.store.local.store import LocalStore


def files(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and HIDDEN not in path.parts
    )


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
    subprocess.run(["umount", "--lazy", folder], check=True)


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
    subprocess.run(["umount", "--lazy", folder], check=True)


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


def test_a_copy_of_an_object_is_known_as_one(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.write("k", b"x")
    shutil.copy2(tmp_path / "k", tmp_path / "copy")
    assert {stat.key: stat.copied for stat in store.list()}["copy"]
