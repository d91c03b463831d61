"""What a worker lends to a stage: media that is the one that was listed, files that are the ones that were pinned."""

from pathlib import Path

import pytest

from reelmill.contract.digest import sha256
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Media
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.frames import FramesBlock
from reelmill.contract.task import StoreRef
from reelmill_stages.records.pins import pin_files, read_pins
from reelmill_stages.runtime.outputs.upload import item_mark, put_output
from reelmill_stages.runtime.outputs.work import Files, GroupWork
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.store.locations import Locations

NAMES = DataSetPaths("frames", "0" * 64)


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    return Locations(StoreRef(uri=str(tmp_path / "store")), (), {})


def work(locations: Locations, folder: Path) -> GroupWork:
    return GroupWork(locations, Files(locations, {}, folder / "files"), folder / "group", None)


def test_media_is_fetched_once_and_must_be_what_was_committed(tmp_path: Path, locations: Locations) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"clip")
    output = put_output(locations.store, "clips/a.mp4", file, item_mark("k", 1, "a"))
    media = Media(output.key, output.size, digest=output.digest)
    lent = work(locations, tmp_path)
    assert lent.fetch(media).read_bytes() == b"clip"
    assert lent.fetch(media) == lent.fetch(media)
    with pytest.raises(ItemError, match="not what was committed") as other:
        lent.fetch(Media(output.key, output.size, digest=sha256(b"clap")))
    assert other.value.reason == "changed"
    with pytest.raises(ItemError) as gone:
        lent.fetch(Media("clips/b.mp4", 4))
    assert gone.value.reason == "missing"


def test_an_output_without_metadata_is_believed_by_its_bytes(tmp_path: Path, locations: Locations) -> None:
    locations.store.write("clips/a.mp4", b"clip")
    lent = work(locations, tmp_path)
    assert lent.fetch(Media("clips/a.mp4", 4, digest=sha256(b"clip"))).read_bytes() == b"clip"
    with pytest.raises(ItemError, match="not what was committed"):
        lent.fetch(Media("clips/a.mp4", 4, digest=sha256(b"clap")))


def test_a_source_object_is_pinned_by_its_etag_or_its_size(tmp_path: Path, locations: Locations) -> None:
    video = tmp_path / "video.mp4"
    video.write_bytes(b"video")
    etag = LocalStore("/").stat(str(video).lstrip("/")).etag
    lent = work(locations, tmp_path)
    assert lent.fetch(Media(str(video), 5, etag)) == video
    for wrong in (Media(str(video), 5, "other"), Media(str(video), 6)):
        with pytest.raises(ItemError) as error:
            lent.fetch(wrong)
        assert error.value.reason == "changed"


def test_a_name_belongs_to_the_item_that_took_it_first(tmp_path: Path, locations: Locations) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    first = put_output(locations.store, "x.txt", file, item_mark("k", 1, "ключ" * 200))
    file.write_bytes(b"two, from a twin")
    assert put_output(locations.store, "x.txt", file, item_mark("k", 1, "ключ" * 200)) == first
    for mark in (item_mark("k", 1, "other"), item_mark("k", 2, "ключ" * 200), item_mark("j", 1, "ключ" * 200)):
        with pytest.raises(ItemError) as taken:
            put_output(locations.store, "x.txt", file, mark)
        assert taken.value.reason == "name_taken"


@pytest.mark.parametrize("key", ["../x.txt", f"{'x' * 300}.txt", "taken/below.txt", "above", ".reelmill-store/x.txt"])
def test_a_name_that_the_store_cannot_hold_fails_the_item(tmp_path: Path, locations: Locations, key: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    for there in ("taken", "above/below.txt"):
        put_output(locations.store, there, file, item_mark("k", 1, "a"))
    with pytest.raises(ItemError) as bad:
        put_output(locations.store, key, file, item_mark("k", 1, "b"))
    assert bad.value.reason == "bad_name"


def test_a_file_that_a_parameter_names_is_pinned_when_it_is_first_used(tmp_path: Path, locations: Locations) -> None:
    file = tmp_path / "tokens.txt"
    file.write_bytes(b"one two")
    block = FramesBlock(tokenizer=FileRef(uri=str(file)))
    pin_files(locations, NAMES, block)
    pins = read_pins(locations.store, NAMES, block)
    assert pins == {str(file): sha256(b"one two")}
    files = Files(locations, pins, tmp_path / "files")
    assert files.read(str(file)) == file
    file.write_bytes(b"other")
    with pytest.raises(SpecError, match="stage started"):
        pin_files(locations, NAMES, block)
    with pytest.raises(SpecError, match="differs from the pinned"):
        Files(locations, pins, tmp_path / "more").read(str(file))
    with pytest.raises(SpecError, match="differs from its digest"):
        pin_files(locations, NAMES, FramesBlock(tokenizer=FileRef(uri=str(file), digest="sha256:" + "0" * 64)))
    file.unlink()
    with pytest.raises(SpecError, match="no such file"):
        pin_files(locations, NAMES, block)
