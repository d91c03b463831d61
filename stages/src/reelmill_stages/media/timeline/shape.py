"""The shape in which a stream's pictures are meant to be seen: what its container says of pixels and borders.

Stored pixels need not be square, and a container may name a border that is not to be shown. Which way up a picture is
travels with each frame (`picture.orientation`).
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_CROPPED = re.compile(r"^ {6}Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)$", re.MULTILINE)
_TURNED = re.compile(r"display ?matrix")
"""How versions of FFmpeg name it: the older ones in one word."""
_ANGLE = re.compile(r"rotation of (-?\d+\.\d+) degrees")
_RIGHT_ANGLE = 1
"""Degrees by which a quarter turn may be missed."""
_FARTHEST = 10
"""Pixels that are said to be wider or higher than this are taken for square: the header is damaged."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`aspect`: width of a stored pixel by its height. `crop`: pixels not shown: left, right, top, bottom."""

    aspect: Fraction = Fraction(1)
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    turned: bool = False
    """The container tells which way up pictures are."""
    askew: bool = False
    """The container turns pictures by an angle that is no quarter turn. The nearest one is taken."""
    turned_by_bits: bool = False
    """The bitstream tells which way up pictures are, of some of them or of all."""
    turn: tuple[int, bool] = (0, False)
    """What the bitstream tells of frames that do not tell it themselves, as in `picture.Orientation`."""

    def to_json(self) -> dict[str, Any]:
        """What provenance says of it; empty for square pixels that are all shown."""
        told: dict[str, Any] = {} if self.aspect == 1 else {"aspect": str(self.aspect)}
        if any(self.turn):
            told["turn"] = list(self.turn)
        if self.askew:
            told["askew"] = True
        return told | ({"crop": list(self.crop)} if any(self.crop) else {})


SQUARE = Shape()
"""All pixels, and square ones."""


def shape_of(container: InputContainer, stream: VideoStream) -> Shape:
    """The shape of a stream's pictures."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, _FARTHEST) <= aspect <= _FARTHEST:
        aspect = Fraction(1)
    square = Shape(Fraction(aspect))
    if not {"mov", "matroska"} & set(container.format.name.split(",")):
        return square
    return _described(container, stream, square)


def _described(container: InputContainer, stream: VideoStream, shape: Shape) -> Shape:
    """A shape with its border (what would leave nothing is none), of which only FFmpeg's own description tells."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        described: str = container.dumps_format()  # type: ignore[attr-defined]
    finally:
        av.logging.set_level(level)
    own = re.search(rf"^ {{2}}Stream #0:{stream.index}\b.*?(?=^ {{2}}Stream #|\Z)", described, re.MULTILINE | re.DOTALL)
    if own is None:
        return shape
    angles = [float(angle) % 90 for angle in _ANGLE.findall(own.group())]
    shape = replace(
        shape,
        turned=_TURNED.search(own.group().lower()) is not None,
        askew=any(_RIGHT_ANGLE < angle < 90 - _RIGHT_ANGLE for angle in angles),
    )
    found = _CROPPED.search(own.group())
    if found is None:
        return shape
    left, right, top, bottom = map(int, found.groups())
    coded = stream.codec_context
    if left + right >= coded.width or top + bottom >= coded.height:
        return shape
    return replace(shape, crop=(left, right, top, bottom))
