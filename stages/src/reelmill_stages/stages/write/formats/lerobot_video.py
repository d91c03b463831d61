"""Concatenates videos of episodes in one mp4: packets are copied, and frame i of the file is shown at i / fps.

So an episode of n frames is shown in [start / fps, (start + n) / fps) of its file. This requires videos that show all
their pictures, at a constant rate, and the same decoder settings for all episodes of a file.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer

from reelmill.contract.errors import ItemError, StoreDamaged
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.write import LerobotOptions
from reelmill.contract.text.quantities import count_of
from reelmill_stages.media.container.demux import demuxed, opened
from reelmill_stages.media.container.edit_list_writer import set_ends
from reelmill_stages.media.container.probe import probe
from reelmill_stages.media.cutting.remux import CODECS
from reelmill_stages.media.timeline.shape import SQUARE
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline

TICKS = 512
"""Ticks per frame in written files."""
_SLACK = Fraction(1, 20_000)
"""Maximum error of the time of a frame in seconds; readers allow twice as much."""


def frames_of(path: Path, name: str, options: LerobotOptions) -> int:
    """Return the number of frames of a video whose packets can be joined with others.

    Raises ItemError with reason `frame_size`, `frame_rate`, `hidden_frames` or `corrupt`, and as `read_timeline` and
    `probe`.
    """
    timeline = read_timeline(path)
    main = probe(path).main
    size = (main.width, main.height)
    if size != (options.width, options.height) or main.rotation or timeline.shape != SQUARE:
        turned = f", turned by {main.rotation} degrees" if main.rotation else ""
        raise ItemError(
            ItemReason.FRAME_SIZE, f"{name} has {size[0]}x{size[1]}{turned}, not {options.width}x{options.height}"
        )
    if timeline.codec not in CODECS or timeline.measured or timeline.joined:
        raise ItemError(
            ItemReason.HIDDEN_FRAMES, f"{name}: packets of {timeline.codec} in {timeline.container} cannot be joined"
        )
    if len(timeline) != len(timeline.packets.pts) or not timeline.packets.keys[0]:
        hidden = len(timeline.packets.pts) - len(timeline)
        raise ItemError(
            ItemReason.HIDDEN_FRAMES, f"{name} holds {count_of(hidden, 'picture')} besides the {len(timeline)} shown"
        )
    if (spoiled := timeline.spoiled(range(len(timeline)))) is not None:
        raise ItemError(ItemReason.CORRUPT, f"{name}: frame {spoiled} depends on a packet that is damaged")
    for place in range(len(timeline)):
        passed = (timeline.pts[place] - timeline.origin) * timeline.time_base
        if abs(passed - Fraction(place, options.fps)) > _SLACK:
            raise ItemError(
                ItemReason.FRAME_RATE,
                f"frame {place} of {name} is shown at {float(passed):.4f} s, not at {place / options.fps:.4f} s",
            )
    return len(timeline)


class EpisodeVideo:
    """The packets of one episode's video in the order of the file, without its times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._timeline: Timeline = read_timeline(path)
        table = self._timeline.packets.pts
        ranks = {pts: rank for rank, pts in enumerate(sorted(table))}
        self.order = [ranks[pts] for pts in table]
        """The frame number of each packet."""
        self.delay = max(place - rank for place, rank in enumerate(self.order))
        """Number of frames by which decoding is ahead of display."""
        with opened(path) as container:
            coded = self._stream(container).codec_context
            self.form = (coded.name, coded.extradata, coded.width, coded.height, coded.pix_fmt, self.delay)
            """Properties that are equal for all videos of one file."""

    def copy(self, output: OutputContainer, start: int, fps: int) -> None:
        """Append the packets to an mp4, from its frame `start` on."""
        with opened(self._path) as container:
            stream = self._stream(container)
            track = output.streams[0] if output.streams else _track(output, stream, fps)
            packets = demuxed(container, stream)
            for place, (packet, rank) in enumerate(zip(packets, self.order, strict=True)):
                packet.stream = track
                packet.is_keyframe = self._timeline.packets.keys[place]
                packet.pts, packet.dts = (start + rank) * TICKS, (start + place - self.delay) * TICKS
                packet.duration = TICKS
                packet.time_base = Fraction(1, fps * TICKS)
                output.mux(packet)

    def _stream(self, container: Any) -> Any:
        return next(stream for stream in container.streams.video if stream.index == self._timeline.stream)


class CameraFile:
    """An mp4 with the videos of successive episodes of one camera."""

    def __init__(self, path: Path, number: int, form: object, fps: int) -> None:
        self.path = path
        self.number = number
        self.form = form
        self.frames = 0
        self._fps = fps
        scale = str(fps * TICKS)
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {
            "movflags": "+faststart",
            "fflags": "+bitexact",
            "avoid_negative_ts": "disabled",
            "movie_timescale": scale,
            "video_track_timescale": scale,
        }
        self._output = av.open(f"file:{path.absolute()}", "w", format="mp4", container_options=options)

    def add(self, video: EpisodeVideo) -> int:
        """Append an episode; returns the number of its first frame."""
        start = self.frames
        video.copy(self._output, start, self._fps)
        self.frames += len(video.order)
        return start

    def finish(self) -> None:
        """Complete the file, and read it again. Raises StoreDamaged if a frame is not in its place."""
        self._output.close()
        set_ends(self.path, [self.frames * TICKS])
        written = read_timeline(self.path)
        step = Fraction(1, self._fps) / written.time_base
        if tuple(written.pts) != tuple(place * step for place in range(self.frames)):
            raise StoreDamaged(
                f"the joined video has {count_of(len(written), 'frame')}, not {self.frames} at {self._fps} per second",
                where=str(self.path),
            )

    def discard(self) -> None:
        """Close an unfinished file."""
        self._output.close()


def _track(output: OutputContainer, stream: Any, fps: int) -> Any:
    track = output.add_stream_from_template(stream, opaque=True)
    track.time_base = Fraction(1, fps * TICKS)
    output.start_encoding()
    return track
