"""What ffmpeg is told of the frames as they are stored: how many come first, their size, turn, and border."""

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
"""The first ffmpeg that applies a container's cropping."""
_TURNS = {0: [], 1: ["transpose=cclock"], 2: ["hflip", "vflip"], 3: ["transpose=clock"]}


def same_size(source: Remuxer) -> str:
    """The filter that gives all frames the size of the container's; frames that have it stay as they are."""
    coded = source.video.codec_context
    return f"scale={coded.width}:{coded.height}:flags=bicubic+accurate_rnd+bitexact"


def made_up_before(source: Remuxer) -> int:
    """How many frames ffmpeg makes up before the first of the timeline, where it would have to count them."""
    timeline = source.timeline
    if timeline.counted or not timeline.untimed or not timeline.undecodable:
        return 0
    return max(0, len(decode_all(source.path, timeline.stream).frames) - len(timeline))


def turn_of(source: Remuxer, cut: Cut) -> Turn | None:
    """How the frames of a cut are turned upright; None: as ffmpeg does it.

    ffmpeg turns only those frames that tell it themselves, and by any angle: the corners of the picture are lost.
    """
    shape = source.timeline.shape
    if not shape.askew:
        return shape.turn if shape.turned_by_bits else None
    (first,) = decode(source.path, source.timeline, [cut.frames.start])
    own = orientation(first.frame)
    return own.turns, own.mirrored


def upright(turn: Turn | None) -> list[str]:
    """The filters for a turn of `turn_of`."""
    if turn is None:
        return []
    turns, mirrored = turn
    return ["sidedata=delete:type=DISPLAYMATRIX", *(["hflip"] if mirrored else []), *_TURNS[turns]]


def uncovered(shape: Shape, version: tuple[int, ...]) -> list[str]:
    """The filter that cuts a container's border; none where there is no border, or ffmpeg cuts it by itself.

    Raises ItemError(`ffmpeg_failed`) for turned pictures, which this ffmpeg has turned by then.
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
