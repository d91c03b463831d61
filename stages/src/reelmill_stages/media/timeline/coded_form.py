"""The coded form of a stream's pictures: size, chroma subsampling, bit depth."""

from dataclasses import dataclass
from functools import cache

import av
from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class CodedForm:
    """The container's description of the pictures.

    `width` and `height` are in pixels. Unknown values are 0 or empty.
    """

    pixel_format: str = ""
    """FFmpeg's name, such as `yuv420p10le`."""
    width: int = 0
    height: int = 0
    varies: bool = False
    """Decoded pictures differ in size, format or orientation."""

    @property
    def sampling(self) -> str:
        """Chroma subsampling and bits per sample: `4:2:0 10`; empty for RGB, and if unknown."""
        return _sampling(self.pixel_format) if self.pixel_format else ""


NOT_TOLD = CodedForm()
"""The form of pictures without any description."""


def form_of(video: VideoStream, *, varies: bool = False) -> CodedForm:
    """Return the form of a stream's pictures."""
    codec = video.codec_context
    return CodedForm(codec.pix_fmt or "", codec.width, codec.height, varies)


@cache
def _sampling(name: str) -> str:
    try:
        form = av.VideoFormat(name)
    except ValueError:
        return ""
    if form.is_rgb or form.has_palette:
        return ""
    depth = form.components[0].bits
    if len(form.components) == 1:
        return f"4:0:0 {depth}"
    across, down = 8 // (form.chroma_width(8) or 8), 8 // (form.chroma_height(8) or 8)
    chroma = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (4, 1): "4:1:1", (1, 2): "4:4:0"}.get((across, down))
    return f"{chroma} {depth}" if chroma else ""
