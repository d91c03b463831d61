"""Cutting by copy: packets are copied to an mp4, and an edit list shows exactly the clip's frames.

One open file serves all clips of a source. The clip begins with the key frame that its first frame needs and ends with
the last packet that shows one of its frames; the edit list hides the rest. Every visible frame is bit-identical to the
source's. The written clip is opened again, and decoded at its ends, to verify it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError, TransientError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.text.quantities import count_of
from reelmill_stages.media.bitstream.nal_lengths import is_whole, length_size
from reelmill_stages.media.container.changes.program_map import refuse_moves
from reelmill_stages.media.container.demux import audio_streams, damage, opened, reason, refuse_encrypted
from reelmill_stages.media.container.edit_list_writer import set_ends
from reelmill_stages.media.cutting import sound
from reelmill_stages.media.cutting.cut import Cut, PacketRange, refuse_damaged, slice_of
from reelmill_stages.media.cutting.same_pictures import verify_pictures
from reelmill_stages.media.timeline.index_check import checked, expect
from reelmill_stages.media.timeline.last_frame import HELD
from reelmill_stages.media.timeline.seek import video_from
from reelmill_stages.media.timeline.timeline import Timeline, read_timeline
from reelmill_stages.media_file import MediaFile

CODECS = frozenset({"h264", "hevc", "av1", "libdav1d", "vp9", "mpeg4", "mpeg2video", "mpeg1video"})
"""Codecs that an mp4 can contain unchanged."""

_FINEST_SCALE = 10_000
_TIME_TOLERANCE = 0.002
"""Seconds by which a frame of a clip may be shown too early or too late; larger than rounding to ticks."""


class Remuxer:
    """Cuts clips out of one open video. `audio` keeps the first audio stream of its pictures."""

    def __init__(self, path: MediaFile, container: InputContainer, timeline: Timeline, *, audio: bool) -> None:
        self.path = path
        self.container = container
        self.timeline = timeline
        self.video: VideoStream = next(s for s in container.streams.video if s.index == timeline.stream)
        self.audio = next(iter(audio_streams(path, container, self.video)), None) if audio else None
        if self.audio is not None and not self.audio.codec_context.sample_rate:
            raise ItemError(
                ItemReason.CORRUPT, f"{path.name}: its sound has no sample rate; set audio: drop to omit it"
            )
        if self.audio is not None and timeline.joined:
            raise ItemError(
                ItemReason.CLOCK_JUMPS,
                f"{path.name} is several recordings in one ({timeline.measured}), so the position of its sound is "
                "unknown; divide it there, or set audio: drop",
            )
        if self.audio is not None:
            refuse_encrypted(self.audio)
            refuse_moves(path, timeline.container, self.audio.id)
        self._compared = False
        self._lengths = length_size(timeline.codec, self.video.codec_context.extradata or b"")

    def slice_of(self, cut: Cut) -> PacketRange | None:
        """Return the packets to copy for a cut, or None if an mp4 cannot contain or show them exactly."""
        if self.timeline.codec not in CODECS:
            return None
        if self.audio is not None and self.audio.codec_context.name not in sound.CODECS:
            return None
        return slice_of(self.timeline, cut)

    def sounds_alike(self, cut: Cut) -> bool:
        """Whether copied packets sound as the source does: their settings and their clock do not change."""
        if self.audio is None:
            return True
        try:
            sound.sound_of(self.path, self.container, self.audio, cut)
        except ItemError as error:
            if error.reason != ItemReason.UNVERIFIED:
                raise
            return False
        return True

    def copy(self, cut: Cut, piece: PacketRange, target: Path) -> None:
        """Write a clip. Deterministic: the same call writes the same bytes.

        Raises ItemError(`corrupt`) for packets that cannot be read or written, and ItemError(`unverified`) if the clip
        differs from the plan in any picture. On error, no file is left.
        """
        refuse_damaged(self.path, self.timeline, cut)
        try:
            self._write(cut, piece, target)
            written = verify(target, self.timeline, cut)
            self._verify_pictures(cut, target, written)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, av.FFmpegError):
                raise _muxing_error(self.path, error) from error
            raise

    def _verify_pictures(self, cut: Cut, target: Path, written: Timeline) -> None:
        coded = self.video.codec_context
        compare = self.timeline.repaired or not self._compared
        pixels = coded.width * coded.height
        verify_pictures(self.path, self.timeline, cut, target, written, pixels=pixels, compare=compare)
        self._compared = True

    def _write(self, cut: Cut, piece: PacketRange, target: Path) -> None:
        base = self.timeline.time_base
        scale = _time_scale(base)
        expect(self.path, self.timeline.packets, [(piece.first, piece.last)])
        clip_sound = sound.sound_of(self.path, self.container, self.audio, cut) if self.audio else None
        for stream in self.container.streams:
            stream.discard = Discard.default
        options = {
            "movflags": "+faststart",
            "fflags": "+bitexact",
            "avoid_negative_ts": "disabled",
            "movie_timescale": str(scale),
            "video_track_timescale": str(scale),
        }
        with av.open(f"file:{target.absolute()}", "w", format="mp4", container_options=options) as output:
            tracks: list[Iterator[Packet[Any]]] = [self._video_packets(output, cut, piece)]
            ends = [round((cut.end - cut.start) * base * scale)]
            if clip_sound is not None and clip_sound.packets and self.audio is not None:
                track = output.add_stream_from_template(self.audio, opaque=True)
                track.time_base = Fraction(1, clip_sound.rate)
                tracks.append(_packets_of_track(track, clip_sound.packets))
                ends.append(ends[0])
            seconds = [float(track.time_base or 0) for track in output.streams]
            output.start_encoding()
            for packet in merge(*tracks, key=lambda packet: (packet.dts or 0) * seconds[packet.stream_index]):
                output.mux(packet)
        try:
            set_ends(target, ends)
        except ValueError as error:
            raise ItemError(ItemReason.UNVERIFIED, f"the edit list of the clip cannot be set: {error}") from error

    def _video_packets(self, output: OutputContainer, cut: Cut, piece: PacketRange) -> Iterator[Packet[Any]]:
        track = output.add_stream_from_template(self.video, opaque=True)
        track.time_base = self.timeline.time_base
        return self._retimed_packets(track, cut, piece)

    def _retimed_packets(self, track: Any, cut: Cut, piece: PacketRange) -> Iterator[Packet[Any]]:
        """Yield the packets of a slice with the clip's times."""
        table, stamps = self.timeline.packets, piece.pts
        listed = table.pts[piece.first : piece.last + 1]
        sizes = table.sizes[piece.first : piece.last + 1]
        ends = dict(zip(sorted(stamps), [*sorted(stamps)[1:], None], strict=True))
        keys = table.keys[piece.first : piece.last + 1]
        found = islice(video_from(self.path, self.container, self.video, table, piece.first), len(stamps))
        packets = (packet for _, packet in checked(self.path, self.video, table, enumerate(found, piece.first)))
        seen = 0
        known = zip(packets, listed, stamps, piece.dts, sizes, keys, strict=False)
        for packet, was, pts, dts, size, key in known:
            if packet.pts != was or packet.size != size:
                raise ItemError(
                    ItemReason.CORRUPT, f"{self.path.name}: the packet at tick {was} cannot be read as listed"
                )
            if self._lengths and not is_whole(memoryview(packet), self._lengths):
                raise ItemError(ItemReason.CORRUPT, f"{self.path.name}: the packet at tick {was} is damaged")
            packet.stream = track
            packet.is_keyframe = key
            packet.pts, packet.dts = pts - cut.start, dts - cut.start
            packet.duration = (ends[pts] or max(cut.end, pts + 1)) - pts
            packet.time_base = self.timeline.time_base
            seen += 1
            yield packet
        if seen < len(stamps):
            raise ItemError(ItemReason.TRUNCATED, f"{self.path.name} ends before the packet at tick {listed[seen]}")


@contextmanager
def remuxer(path: MediaFile, timeline: Timeline, *, audio: bool) -> Iterator[Remuxer]:
    """Open a video for cutting.

    Raises ItemError as `container.opened` does, `corrupt` for sound without a rate, `clock_jumps` for sound whose clock
    jumps, and `stream_moves` for sound that continues in another stream.
    """
    with opened(path, sound=audio) as container:
        yield Remuxer(path, container, timeline, audio=audio)


def verify(path: MediaFile, timeline: Timeline, cut: Cut) -> Timeline:
    """Return the timeline of a new clip, after checking its frames and their times against the cut.

    Raises ItemError(`unverified`).
    """
    try:
        written = read_timeline(path)
    except ItemError as error:
        raise ItemError(ItemReason.UNVERIFIED, f"the clip does not open: {error.what}") from error
    frames = cut.frames
    if len(written) != len(frames):
        raise ItemError(
            ItemReason.UNVERIFIED,
            f"the clip shows {count_of(len(written), 'frame')}, not the {len(frames)} of its span",
        )
    since = timeline.pts[frames.start : frames.stop]
    for number, wanted in enumerate(float((max(tick, cut.start) - cut.start) * cut.time_base) for tick in since):
        if abs((shown := written.seconds(number)) - wanted) > _TIME_TOLERANCE:
            raise ItemError(
                ItemReason.UNVERIFIED, f"the clip shows frame {number} at {shown:.3f} s, not {wanted:.3f} s"
            )
    if abs(written.duration - cut.seconds) > HELD + _TIME_TOLERANCE:
        raise ItemError(ItemReason.UNVERIFIED, f"the clip lasts {written.duration:.3f} s, not {cut.seconds:.3f} s")
    return written


def _muxing_error(source: MediaFile, error: av.FFmpegError) -> ItemError | TransientError:
    """Convert an error of the muxer; errors of reading the source are separate."""
    meaning = damage(source, error)
    if not isinstance(meaning, ItemError):
        return meaning
    return ItemError(ItemReason.UNVERIFIED, f"an mp4 cannot hold the clip of {source.name}: {reason(error)}")


def _packets_of_track(track: Any, packets: tuple[Packet[Any], ...]) -> Iterator[Packet[Any]]:
    for packet in packets:
        packet.stream = track
        yield packet


def _time_scale(base: Fraction) -> int:
    """Return the ticks per second of the clip: a multiple of the source's, fine enough for the sound."""
    scale = base.denominator
    while scale < _FINEST_SCALE:
        scale *= 2
    return scale
