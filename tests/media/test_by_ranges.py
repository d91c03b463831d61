"""Videos that are read by ranges: frames and clips are those of the whole file, bit for bit, or the whole file is asked
for.
"""

import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest

import footage
from exact import picture_digest
from media import streams
from ranged_media import RangedFolder, ranged
from reelmill.contract.errors import ItemError
from reelmill_stages.media.container.remote_container import remote_container
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile, RemoteFile, WholeFileNeeded

BLOCK = 512
X264 = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "2", "-sc_threshold", "0")
FRAGMENTS = "frag_keyframe+empty_moov"
FILMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "moov at the end": ("mp4", ()),
    "moov in front": ("mp4", ("-movflags", "+faststart")),
    "mov": ("mov", ()),
    "mov with sound that is not compressed": ("mov", ("-c:a", "pcm_s16le")),
    "sound before video": ("mp4", ("-map", "1", "-map", "0")),
    "sound of equal packets": ("mp4", ("-c:a", "ac3")),
    "two videos": ("mp4", ("-map", "0", "-map", "0", "-map", "1")),
    "no B-frames": ("mp4", ("-bf", "0")),
    "an edit list": ("mp4", ("-ss", "0.5", "-output_ts_offset", "1.2")),
    "fragments listed at the end": ("mp4", ("-movflags", FRAGMENTS)),
    "fragments listed in front": ("mp4", ("-movflags", f"{FRAGMENTS}+default_base_moof+global_sidx")),
    "fragments that each list themselves": ("mp4", ("-movflags", f"{FRAGMENTS}+dash")),
    "fragments that nothing lists": ("mp4", ("-movflags", f"{FRAGMENTS}+skip_trailer")),
    "mkv with cues": ("mkv", ()),
    "mkv without cues": ("mkv", ("-live", "1")),
    "ts": ("ts", ()),
    "avi": ("avi", ()),
}
WHOLE = {"fragments that nothing lists", "mkv with cues", "mkv without cues", "ts", "avi"}


def frames(file: MediaFile, timeline: Timeline, wanted: list[int]) -> list[tuple[int, int, str]]:
    return [(each.index, each.pts, picture_digest(each.frame)) for each in decode(file, timeline, wanted)]


def clip(file: MediaFile, timeline: Timeline, shown: range, target: Path) -> bytes | None:
    cut = cut_frames(timeline, shown)
    with remuxer(file, timeline, audio=True) as source:
        piece = source.slice_of(cut)
        if piece is None:
            return None
        source.copy(cut, piece, target)
    return target.read_bytes()


def by_ranges(store: RangedFolder, name: str) -> RemoteFile | None:
    return remote_container(ranged(store, name, block=BLOCK))


def indexed(folder: Path, name: str) -> RemoteFile:
    found = by_ranges(RangedFolder(folder), name)
    assert found is not None
    return found


def film(kind: str, folder: Path) -> Path:
    """12 seconds, 12 groups of pictures, with sound."""
    suffix, more = FILMS[kind]
    made = footage.video(seconds=12, fps=25, audio=True, options=X264, container=suffix, extra=more)
    target = folder / f"film.{suffix}"
    target.write_bytes(made.read_bytes())
    return target


@pytest.mark.parametrize("kind", FILMS)
def test_frames_and_clips_are_those_of_the_whole_file(kind: str, tmp_path: Path) -> None:
    path = film(kind, tmp_path)
    store = RangedFolder(tmp_path)
    remote = by_ranges(store, path.name)
    assert (remote is None) is (kind in WHOLE)
    if remote is None:
        return
    timeline, whole = read_timeline(remote), read_timeline(path)
    assert _without_places(timeline) == _without_places(whole)
    wanted = [5, 130, 131, 280]
    assert frames(remote, timeline, wanted) == frames(path, whole, wanted)
    for shown in (range(100, 140), range(30)):
        theirs = clip(path, whole, shown, tmp_path / "whole.mp4")
        if "not compressed" in kind:
            with pytest.raises(WholeFileNeeded, match="not compressed"):
                clip(remote, timeline, shown, tmp_path / "ranged.mp4")
        else:
            assert clip(remote, timeline, shown, tmp_path / "ranged.mp4") == theirs


def _without_places(timeline: Timeline) -> Timeline:
    """Addresses are those of the file that was read."""
    return replace(timeline, packets=replace(timeline.packets, places=()))


def test_little_more_than_the_index_and_the_needed_groups_is_transferred(tmp_path: Path) -> None:
    path = film("moov at the end", tmp_path)
    store = RangedFolder(tmp_path)
    remote = by_ranges(store, path.name)
    assert remote is not None
    timeline = read_timeline(remote)
    store.requests.clear()
    assert len(frames(remote, timeline, [130, 131])) == 2
    table = timeline.packets
    needed = sum(table.sizes[number] for number in range(125, timeline.numbers[131] + 1))
    assert sum(length for _, length in store.requests) < needed + 10 * BLOCK
    store.requests.clear()
    assert frames(remote, timeline, [130])
    assert not store.requests


@pytest.mark.store
@pytest.mark.parametrize("first", range(0, 120, 12))
def test_streams_by_chance_are_the_same_by_ranges_or_asked_for_whole(first: int, tmp_path: Path) -> None:
    for number in range(first, first + 12):
        try:
            made = streams.stream(number, tmp_path)
        except (subprocess.SubprocessError, av.FFmpegError):
            continue
        store = RangedFolder(tmp_path)
        name = made.path.name
        try:
            remote = by_ranges(store, name)
            if remote is None:
                continue
            timeline = read_timeline(remote)
            whole = read_timeline(made.path)
        except (WholeFileNeeded, ItemError):
            # A whole file may be refused for damage in packets that ranges do not read.
            continue
        chance = random.Random(number)
        for _ in range(3):
            wanted = sorted(chance.sample(range(len(timeline)), min(3, len(timeline))))
            start, stop = sorted(chance.sample(range(len(timeline) + 1), 2))
            for read in (
                lambda file, known, wanted=wanted: frames(file, known, wanted),
                lambda file, known, shown=range(start, stop): clip(file, known, shown, tmp_path / "clip.mp4"),
            ):
                ranged = _unless_refused(lambda: read(by_ranges(store, name), timeline))  # noqa: B023
                local = _unless_refused(lambda: read(made.path, whole))  # noqa: B023
                assert ranged in (None, local) or (local is None and whole.damaged), str(made)


def _unless_refused(read: Callable[[], object]) -> object:
    try:
        return read()
    except (WholeFileNeeded, ItemError):
        return None


def test_key_flags_that_are_wrong_ask_for_the_whole_file(tmp_path: Path) -> None:
    path = film("moov in front", tmp_path)
    body = bytearray(path.read_bytes())
    at = body.index(b"stss")
    assert body[at + 12 : at + 16] == (1).to_bytes(4, "big")
    body[at + 16 : at + 20] = (20).to_bytes(4, "big")
    path.write_bytes(body)
    remote = indexed(tmp_path, path.name)
    timeline = read_timeline(remote)
    with pytest.raises(WholeFileNeeded, match="it is no key frame"):
        frames(remote, timeline, [21])
    whole = read_timeline(path)
    assert whole.repaired


def test_a_damaged_group_asks_for_the_whole_file(tmp_path: Path) -> None:
    path = film("moov in front", tmp_path)
    timeline = read_timeline(path)
    place = timeline.packets.places[100]
    assert place is not None
    body = bytearray(path.read_bytes())
    body[place : place + timeline.packets.sizes[100]] = bytes(timeline.packets.sizes[100])
    path.write_bytes(body)
    remote = indexed(tmp_path, path.name)
    with pytest.raises(WholeFileNeeded):
        frames(remote, read_timeline(remote), [101])
    assert frames(remote, read_timeline(remote), [10])


class Unreadable(RangedFolder):
    """After some requests, every one fails."""

    left = 100

    def read(self, key: str, **asked: object) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise ItemError("changed", "the object has changed")
        return super().read(key, **asked)


@pytest.mark.parametrize("left", [1, 2, 4, 8, 12])
def test_an_error_of_the_store_is_not_taken_for_a_fault_of_the_video(left: int, tmp_path: Path) -> None:
    path = film("moov at the end", tmp_path)
    store = Unreadable(tmp_path)
    store.left = left
    with pytest.raises(ItemError, match="the object has changed"):
        _read_here_and_there(store, path.name)


def _read_here_and_there(store: RangedFolder, name: str) -> None:
    remote = by_ranges(store, name)
    assert remote is not None
    timeline = read_timeline(remote)
    for frame in range(0, 300, 30):
        frames(remote, timeline, [frame])


def test_a_movie_that_ends_early_has_no_index_to_go_by(tmp_path: Path) -> None:
    path = film("moov in front", tmp_path)
    path.write_bytes(path.read_bytes()[:-1000])
    assert by_ranges(RangedFolder(tmp_path), path.name) is None


VP9 = ("-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "1", "-lag-in-frames", "12", "-g", "25")


@pytest.mark.parametrize(
    ("codec", "options"),
    [("libvpx-vp9", VP9), ("mpeg4", ("-pix_fmt", "yuv420p", "-bf", "2", "-g", "25")), ("mpeg4", ("-q:v", "3"))],
)
def test_codecs_of_one_picture_in_each_sample_are_read_by_their_index(
    codec: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(footage.video(seconds=4, codec=codec, options=options).read_bytes())
    remote = indexed(tmp_path, path.name)
    timeline, whole = read_timeline(remote), read_timeline(path)
    assert _without_places(timeline) == _without_places(whole)
    for wanted in ([3, 60], [99]):
        assert frames(remote, timeline, wanted) == frames(path, whole, wanted)


def test_samples_that_may_show_nothing_new_ask_for_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    options = ("-pix_fmt", "yuv420p", "-g", "25")
    path.write_bytes(footage.video(seconds=2, codec="mpeg4", options=options).read_bytes())
    sizes = read_timeline(path).packets.sizes
    body = path.read_bytes()
    table = body.index(b"stsz") + 16
    path.write_bytes(body[: table + 40] + (7).to_bytes(4, "big") + body[table + 44 :])
    assert sizes[10] > 64
    with pytest.raises(WholeFileNeeded, match="nothing new"):
        read_timeline(indexed(tmp_path, path.name))


def test_codecs_whose_samples_may_hide_pictures_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    made = footage.video(seconds=2, codec="mpeg2video", options=("-pix_fmt", "yuv420p"))
    path.write_bytes(made.read_bytes())
    with pytest.raises(WholeFileNeeded, match="codec"):
        read_timeline(indexed(tmp_path, path.name))
