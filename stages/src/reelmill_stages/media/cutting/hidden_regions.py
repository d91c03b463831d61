"""ffmpeg filters that hide regions of pictures, and leave all other pixels unchanged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BLUR = r"boxblur=lr=trunc(min(w\,h)/4):lp=3:cr=trunc(min(cw\,ch)/4):cp=3"
"""Three averages in a row are close to a Gaussian blur."""
_SHORTEST = {"box": 2, "blur": 8}
"""Shortest side of a hidden region in pixels: a blur changes nothing in less than 4 samples, of colour too."""


@dataclass(frozen=True, slots=True)
class PictureRegion:
    """A part of a picture, in shares of its width and height."""

    left: float
    top: float
    width: float
    height: float


def hiding_filters(regions: Sequence[PictureRegion], method: str, pixel_format: str) -> tuple[str, ...]:
    """Return filters that hide regions of pictures by `box` or `blur`; pictures leave them in `pixel_format`."""
    return (f"format={pixel_format}", *_filters(regions, method, pixel_format))


def _filters(regions: Sequence[PictureRegion], method: str, pixel_format: str) -> Iterator[str]:
    layout = pixel_format.removesuffix("p")
    for number, region in enumerate(regions):
        left, width = _even_interval(region.left, region.width, "iw", _SHORTEST[method])
        top, height = _even_interval(region.top, region.height, "ih", _SHORTEST[method])
        if method == "box":
            yield f"drawbox=x={left}:y={top}:w={width}:h={height}:color=black:t=fill"
            continue
        kept, part, hidden = (f"{name}{number}" for name in ("kept", "part", "hidden"))
        x, y = left.replace("iw", "W"), top.replace("ih", "H")
        yield (
            f"split[{kept}][{part}];"
            f"[{part}]crop=w={width}:h={height}:x={left}:y={top}:exact=1,{_BLUR}[{hidden}];"
            f"[{kept}][{hidden}]overlay=x={x}:y={y}:format={layout}"
        )


def _even_interval(start: float, length: float, side: str, shortest: int) -> tuple[str, str]:
    """Return expressions for the first pixel and the number of pixels, extended to even numbers within the side."""
    first = rf"max(0\,min({side}-{shortest}\,trunc({side}*{start:.9f}/2+0.000001)*2))"
    end = rf"min({side}\,max({first}+{shortest}\,ceil({side}*{start + length:.9f}/2-0.000001)*2))"
    return first, f"({end}-{first})"
