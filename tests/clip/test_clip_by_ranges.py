"""Clips of a video in a bucket: together they decide whether it is read by ranges or in one stream."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cliprig import Rig, done, video
from ranged_media import RangedFolder, ranged
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.media.container.remote_container import remote_container
from reelmill_stages.media_file import MediaFile, WholeFileNeeded

URI = "s3://raw/v.mp4"
SECONDS = 20


class RemoteRig(Rig):
    """Lends files that are read by ranges, up to half of their bytes."""

    def __init__(self, scratch: Path) -> None:
        self.store = RangedFolder(scratch)
        made = video(SECONDS, size=(416, 240), extra=("-movflags", "+faststart"))
        super().__init__(scratch, {URI: scratch / "film.mp4"})
        self.files[URI].write_bytes(made.read_bytes())

    def open(self, media: Media) -> MediaFile:  # type: ignore[override]
        found = remote_container(ranged(self.store, self.files[media.uri].name, most=0.5))
        assert found
        return found

    @property
    def transferred(self) -> float:
        """As a fraction of the film."""
        return sum(length for _, length in self.store.requests) / self.files[URI].stat().st_size


def spans(rig: Rig, *begins: float) -> Sequence[Item]:
    return [rig.item(str(begin), start=begin, end=begin + 2) for begin in begins]


def test_clips_of_a_small_part_of_a_video_are_copied_by_ranges(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    found = rig.run(spans(rig, 4.0, 12.0), by="metadata", mode="copy")
    copied = {file.name: file.path.read_bytes() for result in found for file in done(result).items[0].files}
    assert rig.transferred < 0.5
    (tmp_path / "local").mkdir()
    local = Rig(tmp_path / "local", rig.files)
    for result in local.run(spans(local, 4.0, 12.0), by="metadata", mode="copy"):
        for file in done(result).items[0].files:
            assert file.path.read_bytes() == copied.pop(file.name)
    assert not copied


@pytest.mark.parametrize(
    "params", [{"by": "length", "length": "2s"}, {"by": "metadata"}], ids=["clips of one item", "clips of many items"]
)
def test_clips_that_are_most_of_a_video_are_read_in_one_stream(params: dict[str, str], tmp_path: Path) -> None:
    """Each of them is a small part."""
    rig = RemoteRig(tmp_path)
    items = [rig.item("a")] if params["by"] == "length" else spans(rig, *range(0, SECONDS, 3))
    with pytest.raises(WholeFileNeeded, match="most of the object"):
        rig.run(items, mode="copy", **params)
    assert rig.transferred < 0.3


def test_virtual_clips_of_a_whole_video_need_its_index_alone(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    (result,) = rig.run([rig.item("a")], by="length", length="2s", mode="virtual")
    assert len(done(result).items) == SECONDS // 2
    assert rig.transferred < 0.3
