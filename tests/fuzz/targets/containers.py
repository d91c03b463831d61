"""Targets for media containers: reelmill's parsers of boxes, elements and chunks, and whole files in the media code."""

from contextlib import suppress

from fuzz.targets.scratch import parts, scratch
from ranged_media import RangedFolder, ranged
from reelmill.contract.errors import Exhausted, ItemError
from reelmill_stages.media.container.edit_list_writer import set_ends
from reelmill_stages.media.container.extent import is_cut_short
from reelmill_stages.media.container.probe import probe
from reelmill_stages.media.container.remote_container import remote_container
from reelmill_stages.media.container.transport_packets import lost_at_first, lost_within
from reelmill_stages.media.cutting.cut import cut_frames
from reelmill_stages.media.cutting.remux import remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import read_timeline
from reelmill_stages.media_file import WholeFileNeeded

_REFUSED = (ItemError, Exhausted)
"""FFmpeg reports a length beyond any memory as lack of memory, before it allocates anything. A worker then fails the
item after trying it alone. The fuzzer measures actual allocations.
"""


def extent(data: bytes) -> None:
    """mp4 boxes, EBML elements and RIFF chunks, followed by their lengths."""
    assert is_cut_short(scratch.file(data)) in {True, False}


def transport_packets(data: bytes) -> None:
    """Packets of a transport stream in any of its forms, and an offset at which a picture may begin."""
    head, stream = parts(data, 2)
    path = scratch.file(stream)
    assert lost_at_first(path, 256) in {True, False}
    for place in (None, 0, int.from_bytes(head[:2], "big")):
        assert lost_within(path, 256, place) in {True, False}
    assert is_cut_short(path) in {True, False}


def edit_list(data: bytes) -> None:
    """Ends of tracks, set in place: no byte moves, for any boxes."""
    ends, movie = parts(data, 2)
    for wanted in (int.from_bytes(ends[:8], "big", signed=True), [int.from_bytes(ends[:2], "big")]):
        path = scratch.file(movie)
        with suppress(ValueError):
            set_ends(path, wanted)
        assert path.stat().st_size == len(movie)


def media_file(data: bytes) -> None:
    """A file of any container: its streams, its frames, and the first and last of them."""
    path = scratch.file(data)
    with suppress(*_REFUSED):
        probe(path)
    with suppress(*_REFUSED):
        timeline = read_timeline(path)
        assert list(timeline.pts) == sorted(set(timeline.pts))
        for picture in decode(path, timeline, {0, len(timeline) - 1}):
            assert picture.index in {0, len(timeline) - 1}


def media_clip(data: bytes) -> None:
    """A file of any container: a copied clip of its later half, with sound."""
    path, target = scratch.file(data), scratch.path / "clip.mp4"
    with suppress(*_REFUSED):
        timeline = read_timeline(path)
        count = len(timeline)
        cut = cut_frames(timeline, range(count // 2, count))
        with remuxer(path, timeline, audio=True) as video:
            if piece := video.slice_of(cut):
                video.copy(cut, piece, target)
    target.unlink(missing_ok=True)


def media_by_ranges(data: bytes) -> None:
    """An mp4 by ranges: its last frame, and a copied clip of its later half, or a request for the whole file."""
    path, target = scratch.file(data), scratch.path / "clip.mp4"
    with suppress(*_REFUSED, WholeFileNeeded):
        remote = remote_container(ranged(RangedFolder(scratch.path), path.name)) if data else None
        if remote is not None:
            timeline = read_timeline(remote)
            count = len(timeline)
            assert [picture.index for picture in decode(remote, timeline, [count - 1])] == [count - 1]
            cut = cut_frames(timeline, range(count // 2, count))
            with remuxer(remote, timeline, audio=True) as video:
                if piece := video.slice_of(cut):
                    video.copy(cut, piece, target)
    target.unlink(missing_ok=True)
