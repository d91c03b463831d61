"""Integrated loudness and true peak of an audio stream by EBU R128 (ITU-R BS.1770), with FFmpeg's `ebur128`."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import NamedTuple

import av
from av.audio.resampler import AudioResampler
from av.filter import Graph

from reelmill_stages.media.container.demux import damage, decoded, opened
from reelmill_stages.media_file import MediaFile
from reelmill_stages.metering.work_clock import decoding

QUIETEST = -70.0
"""LUFS; the gate of BS.1770 removes all sound below this."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Loudness of an audio stream.

    `integrated` is in LUFS, at least -70; `true_peak` is in dBTP, the highest of all channels.
    """

    integrated: float
    true_peak: float


def loudness(path: MediaFile, stream: int, filters: Sequence[str] = ()) -> Loudness | None:
    """Return the loudness of the audio stream with this index in its container; None if it is silent.

    `filters` are FFmpeg filters, as `name=options`, through which the sound passes before it is measured.

    Raises ItemError(`corrupt`) for sound that cannot be decoded.
    """
    meter = _Meter(filters)
    with opened(path) as container:
        try:
            for frame in decoding(decoded(container, container.streams[stream])):
                meter.add(frame)
        except av.FFmpegError as error:
            raise damage(path, error) from error
    return meter.end()


class _Form(NamedTuple):
    format: str
    layout: str
    rate: int


class _Meter:
    """Measures all frames in the format of the first, which is what an encoder gets."""

    def __init__(self, filters: Sequence[str]) -> None:
        self._filters = filters
        self._graph: Graph | None = None
        self._form: _Form | None = None
        self._resampler: tuple[_Form, AudioResampler] | None = None
        """For the form of the last frames that differ from the first."""
        self._integrated = QUIETEST
        self._peak = 0.0

    def add(self, frame: object) -> None:
        assert isinstance(frame, av.AudioFrame)
        form = _Form(frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None:
            self._graph, self._form = _graph(frame, self._filters), form
        frame.pts = None
        for each in [frame] if form == self._form else self._resampled(frame, form):
            self._graph.push(each)
        self._drain()

    def _resampled(self, frame: av.AudioFrame, form: _Form) -> list[av.AudioFrame]:
        assert self._form is not None
        if self._resampler is None or self._resampler[0] != form:
            self._resampler = form, AudioResampler(*self._form)
        made = self._resampler[1].resample(frame)
        for each in made:
            each.pts = None
        return made

    def end(self) -> Loudness | None:
        if self._graph is not None:
            self._graph.push(None)
            self._drain()
        if self._integrated <= QUIETEST or self._peak <= 0:
            return None
        return Loudness(self._integrated, 20 * log10(self._peak))

    def _drain(self) -> None:
        assert self._graph is not None
        while True:
            try:
                metadata = self._graph.pull().metadata
            except (av.BlockingIOError, av.EOFError):
                return
            self._integrated = float(metadata.get("lavfi.r128.I", self._integrated))
            peaks = [float(value) for name, value in metadata.items() if name.startswith("lavfi.r128.true_peaks_ch")]
            self._peak = max([self._peak, *peaks])


def _graph(frame: av.AudioFrame, filters: Sequence[str]) -> Graph:
    graph = Graph()
    nodes = [
        graph.add_abuffer(
            sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
        )
    ]
    for name, _, options in (text.partition("=") for text in (*filters, "ebur128=metadata=1:peak=true")):
        nodes.append(graph.add(name, options))
    for one, following in pairwise([*nodes, graph.add("abuffersink")]):
        one.link_to(following)
    graph.configure()
    return graph
