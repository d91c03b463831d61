"""ffmpeg filters for frames as they are stored: number of frames before the first, size, orientation, and border."""

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.bitstream.sei import Turn
from reelmill_stages.media.cutting.cut import Cut
from reelmill_stages.media.cutting.remux import Remuxer
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.picture import orientation
from reelmill_stages.media.timeline.full_decode import decode_all
from reelmill_stages.media.timeline.shape import Shape

_CUTS_BORDERS = (7, 1)
"""The first ffmpeg version that applies a container's cropping."""
_TURNS = {0: [], 1: ["transpose=cclock"], 2: ["hflip", "vflip"], 3: ["transpose=clock"]}


def size_filter(source: Remuxer) -> str:
    """Return the filter that scales all frames to the container's size; frames of that size stay unchanged."""
    coded = source.video.codec_context
    return f"scale={coded.width}:{coded.height}:flags=bicubic+accurate_rnd+bitexact"


def count_inserted_frames(source: Remuxer) -> int:
    """Return the number of frames that ffmpeg inserts before the first of the timeline, if it must count frames."""
    timeline = source.timeline
    if timeline.counted or not timeline.untimed or not timeline.undecodable:
        return 0
    return max(0, len(decode_all(source.path, timeline.stream).frames) - len(timeline))


def turn_of(source: Remuxer, cut: Cut) -> Turn | None:
    """Return the rotation that makes the frames of a cut upright; None: leave it to ffmpeg.

    ffmpeg rotates only frames that have the orientation themselves, and by any angle, which cuts off corners.
    """
    shape = source.timeline.shape
    if not shape.askew:
        return shape.turn if shape.turned_by_bits else None
    (first,) = decode(source.path, source.timeline, [cut.frames.start])
    own = orientation(first.frame)
    return own.turns, own.mirrored


def rotation_filters(turn: Turn | None) -> list[str]:
    """Return the filters for a rotation from `turn_of`."""
    if turn is None:
        return []
    turns, mirrored = turn
    return ["sidedata=delete:type=DISPLAYMATRIX", *(["hflip"] if mirrored else []), *_TURNS[turns]]


def border_filters(shape: Shape, version: tuple[int, ...]) -> list[str]:
    """Return the filter that cuts the container's border; empty if there is no border, or if ffmpeg cuts it.

    Raises ItemError(`ffmpeg_failed`) for rotated pictures, which this ffmpeg version has rotated before the filter.
    """
    if not any(shape.crop) or not version or version >= _CUTS_BORDERS:
        return []
    if shape.turned:
        wanted, own = (".".join(map(str, each)) for each in (_CUTS_BORDERS, version))
        raise ItemError(
            ItemReason.FFMPEG_FAILED,
            f"the picture has a border and is turned: that needs ffmpeg {wanted}, this is {own}",
        )
    left, right, top, bottom = shape.crop
    return [f"crop=iw-{left + right}:ih-{top + bottom}:{left}:{top}:exact=1"]
