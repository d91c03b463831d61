"""Forward-only reader of packets by number in the packet table: reads through short gaps, seeks over long ones.

A seek is trusted only if the expected packet arrives; otherwise the file is read from its start again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.codec.hwaccel import HWAccel
from av.packet import Packet
from av.video.stream import VideoStream

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container.demux import opened, packets, video_stream
from reelmill_stages.media.decoding.gpu_decoder import APART, apart
from reelmill_stages.media.timeline.index_check import checked
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile, local_path

_SEEKABLE = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Containers with an index whose seeks land on key frames."""
_WORTH_A_SEEK = 512 * 1024
"""Bytes; reading through less costs no more than a seek."""
_LOST = 2000
"""Number of packets to read after a seek without finding the expected one before the seek counts as failed."""


class PacketReader:
    """Reader of packets. A context manager over one open file; `codec` is its decoder's context."""

    def __init__(self, path: MediaFile, timeline: Timeline, *, hwaccel: HWAccel | None = None) -> None:
        self._path = path
        self._timeline = timeline
        self._hwaccel = hwaccel
        self._stack = ExitStack()
        self._worth_a_seek = _WORTH_A_SEEK if isinstance(path, Path) else 0
        self._may_seek = timeline.container in _SEEKABLE

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _open(self) -> None:
        self._stack.close()
        is_apart = self._hwaccel is not None and self._timeline.codec in APART
        self._container = self._stack.enter_context(opened(self._path, hwaccel=None if is_apart else self._hwaccel))
        self._stream = video_stream(self._path, self._container, self._timeline.stream)
        self.codec = self._stream.codec_context
        if is_apart:
            self.codec = apart(self._stream, av.Codec(self._timeline.codec, "r"), self._hwaccel)
        elif self._hwaccel is not None and not self.codec.is_hwaccel:
            raise NotImplementedError(f"no supported hardware for {self.codec.codec.name}")
        self.codec.thread_count = 1
        self._packets = packets(self._path, self._container, self._stream)
        self._next = 0
        self._sought = False

    def run(self, first: int, last: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """Yield packets `first` to `last` with their numbers.

        Raises ItemError if the file no longer matches its table, and WholeFileNeeded if packets of a remote file
        contradict its index.
        """
        return checked(self._path, self._stream, self._timeline.packets, self._run(first, last))

    def _run(self, first: int, last: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        packet = self._advance_to(first)
        for number in range(first, last + 1):
            if number > first:
                packet = self._read()
            if self._sought and not self._is_packet(packet, number):
                # After a seek, demuxers may omit packets.
                packet = self._read_from_start(number)
            if not self._is_packet(packet, number):
                raise ItemError(ItemReason.CORRUPT, f"{self._path.name} yields other packets on a second reading")
            yield number, packet

    def _read(self) -> Packet[VideoStream]:
        packet = next(self._packets, None)
        if packet is None:
            raise ItemError(ItemReason.TRUNCATED, f"{self._path.name} ends before its packet {self._next}")
        self._next += 1
        return packet

    def _advance_to(self, number: int) -> Packet[VideoStream]:
        table = self._timeline.packets
        if self._may_seek and sum(table.sizes[self._next : number]) > self._worth_a_seek:
            found = self._seek(number)
            if found is not None:
                return found
            return self._read_from_start(number)
        while self._next < number:
            self._read()
        return self._read()

    def _read_from_start(self, number: int) -> Packet[VideoStream]:
        """Return the packet, read from the start of the file; there are no seeks after this."""
        self._path = local_path(self._path, "a seek by the index does not find its packet")
        self._may_seek = False
        self._open()
        return self._advance_to(number)

    def _seek(self, number: int) -> Packet[VideoStream] | None:
        try:
            self._container.seek(self._timeline.packets.pts[number], stream=self._stream)
        except av.FFmpegError:
            return None
        self._packets = packets(self._path, self._container, self._stream)
        for packet, _ in zip(self._packets, range(_LOST), strict=False):
            if self._is_packet(packet, number):
                self._next = number + 1
                self._sought = True
                return packet
        return None

    def _is_packet(self, packet: Packet[VideoStream], number: int) -> bool:
        return self._timeline.packets.holds(number, packet)
