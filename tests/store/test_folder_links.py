"""Links in a folder that is a store are read through, and nothing is changed behind them."""

import os
from pathlib import Path

import pytest

from reelmill.contract.errors import NotFound, StoreError
from reelmill_stages.store.local.listing import HIDDEN
from reelmill_stages.store.local.store import LocalStore


def files(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and HIDDEN not in path.parts
    )


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
