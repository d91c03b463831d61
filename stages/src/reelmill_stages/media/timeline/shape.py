"""The display shape of a stream's pictures: pixel aspect and borders, by its container.

Stored pixels need not be square, and a container may define a border to hide. The orientation is part of each frame
(`picture.orientation`).
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
"""Names that different versions of FFmpeg use; older ones write one word."""
_ANGLE = re.compile(r"rotation of (-?\d+\.\d+) degrees")
_RIGHT_ANGLE = 1
"""Tolerance of quarter turns in degrees."""
_FARTHEST = 10
"""Maximum pixel aspect either way; more extreme values mean a damaged header, and pixels are taken as square."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`aspect`: width of a stored pixel by its height. `crop`: hidden pixels on the left, right, top and bottom."""

    aspect: Fraction = Fraction(1)
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    turned: bool = False
    """The container has an orientation."""
    askew: bool = False
    """The container's rotation is not a quarter turn; the nearest one is used."""
    turned_by_bits: bool = False
    """The bitstream has an orientation for some or all pictures."""
    turn: tuple[int, bool] = (0, False)
    """The bitstream's orientation for frames without one, as in `picture.Orientation`."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields for provenance; empty for square pixels without a border."""
        fields: dict[str, Any] = {} if self.aspect == 1 else {"aspect": str(self.aspect)}
        if any(self.turn):
            fields["turn"] = list(self.turn)
        if self.askew:
            fields["askew"] = True
        return fields | ({"crop": list(self.crop)} if any(self.crop) else {})


SQUARE = Shape()
"""Square pixels without a border."""


def shape_of(container: InputContainer, stream: VideoStream) -> Shape:
    """Return the shape of a stream's pictures."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, _FARTHEST) <= aspect <= _FARTHEST:
        aspect = Fraction(1)
    square = Shape(Fraction(aspect))
    if not {"mov", "matroska"} & set(container.format.name.split(",")):
        return square
    return _with_border(container, stream, square)


def _with_border(container: InputContainer, stream: VideoStream, shape: Shape) -> Shape:
    """Add the border from FFmpeg's textual description, its only source. A border that leaves nothing is ignored."""
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
