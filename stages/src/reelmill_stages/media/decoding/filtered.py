"""Scaling by libavfilter, bit-identical to the ffmpeg program with raw video output.

`picture.render` is for pictures that users get. This module is for networks whose authors fed them with ffmpeg.
"""

from typing import Any

import av
from av.filter import Graph

from reelmill_stages.media.decoding.picture import Orientation, Pixels, Turned
from reelmill_stages.media.timeline.shape import Shape


class Scaled:
    """Scales frames of one video, with the container's `shape`, to `width` by `height` pixels in RGB."""

    def __init__(self, shape: Shape, width: int, height: int) -> None:
        self._turned = Turned(shape)
        self._size = width, height
        self._graphs: dict[tuple[object, ...], Graph] = {}

    def of(self, frame: av.VideoFrame) -> Pixels:
        """Return the scaled frame: uint8 (height, width, 3), upright."""
        turned = self._turned.of(frame)
        kind = frame.format.name, frame.width, frame.height, turned.turns, turned.mirrored
        if kind not in self._graphs:
            self._graphs[kind] = self._build_graph(frame, turned)
        graph = self._graphs[kind]
        graph.push(frame)
        made: Any = graph.pull()
        pixels: Pixels = made.to_ndarray()
        return pixels

    def _build_graph(self, frame: av.VideoFrame, turned: Orientation) -> Graph:
        graph = Graph()
        width, height = self._size
        steps = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base, name="in"
            ),
            *([graph.add("hflip")] if turned.mirrored else []),
            *(graph.add("transpose", "cclock") for _ in range(turned.turns)),
            graph.add("scale", f"{width}:{height}:flags=bicubic"),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*steps).configure()
        return graph
