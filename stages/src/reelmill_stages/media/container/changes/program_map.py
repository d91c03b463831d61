"""Program map tables of an MPEG transport stream (ISO/IEC 13818-1, 2.4.4): streams that move to another PID or codec.

Demuxers return what begins in the middle as a new stream, so that the old one seems to end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.media.container.transport_packets import SIZE, SYNC, PacketForm, packet_form
from reelmill_stages.media.crc import crc_from_highest
from reelmill_stages.media_file import MediaFile

_CODECS = {
    "pictures": {
        0x01: "MPEG-1",
        0x02: "MPEG-2",
        0x10: "MPEG-4",
        0x1B: "H.264",
        0x24: "HEVC",
        0x33: "VVC",
        0xD1: "Dirac",
        0xD2: "AVS2",
        0xEA: "VC-1",
    },
    "sound": {
        0x03: "MPEG-1 audio",
        0x04: "MPEG-2 audio",
        0x0F: "AAC",
        0x11: "AAC in LATM",
        0x81: "AC-3",
        0x82: "DTS",
        0x83: "TrueHD",
        0x87: "E-AC-3",
    },
}
"""Stream types, and what they contain."""
_SAME_DECODER = ({0x01, 0x02}, {0x03, 0x04})
_PID_OF_PROGRAMS = 0
_PROGRAMS, _MAP = 0x00, 0x02
_READ = 1 << 12
"""Packets that are read at a time."""
_CHECKSUM, _CHECKSUM_BEGIN = 4, 0xFFFFFFFF
"""Bytes of a checksum, and its register at the begin of a table."""
_MAX_DISTANCE_TO_MAP = 1 << 14
"""Bytes; a list of programs belongs to a map that follows it this soon."""

Packets = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True)
class _Move:
    """Where a stream continues in another."""

    place: int
    """Offset of the table in the file."""
    kind: str
    old: tuple[int, int]
    """PID and stream type."""
    new: tuple[int, int]

    def __str__(self) -> str:
        if self.old[0] != self.new[0]:
            change = f"from stream {self.old[0]:#x} to stream {self.new[0]:#x}"
        else:
            names = _CODECS[self.kind]
            change = f"from {names[self.old[1]]} to " + names.get(self.new[1], f"streams of type {self.new[1]:#x}")
        verb = "move" if self.kind == "pictures" else "moves"
        return f"at byte {self.place}, its {self.kind} {verb} {change}; split the file there"


def refuse_moves(path: MediaFile, container: str, pid: int) -> None:
    """Raise ItemError(`stream_moves`) if the stream of a transport stream continues with another PID or codec.

    `container` is the name of the file's demuxer; files of others are not read.
    """
    if container == "mpegts" and (move := _tables(path).moves.get(pid)):
        raise _moves_error(path, move)


def move_error(path: MediaFile) -> ItemError | None:
    """Return the error for the first stream that moves in a file that cannot be opened; None if none does."""
    first = min(_tables(path).moves.values(), key=lambda move: move.place, default=None)
    return None if first is None else _moves_error(path, first)


def _moves_error(path: MediaFile, move: _Move) -> ItemError:
    return ItemError(ItemReason.STREAM_MOVES, f"{path.name}: {move}")


def program_of(path: MediaFile, container: str, pid: int) -> frozenset[int] | None:
    """Return the PIDs of the streams that belong to the same program as stream `pid` of a transport stream.

    Returns None if no program lists the stream, and for files of other demuxers.
    """
    programs = _tables(path).programs.values() if container == "mpegts" else ()
    return frozenset().union(*(pids for pids in programs if pid in pids)) or None


def _tables(path: MediaFile) -> _Tables:
    if not isinstance(path, Path):
        return _Tables()
    state = path.stat()
    return _tables_of_file(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _tables_of_file(path: Path, _size: int, _changed: int) -> _Tables:
    tables = _Tables()
    with path.open("rb") as file:
        form = packet_form(file)
        if form is None:
            return tables
        for place, packets in _packet_runs(file, form):
            pids = (packets[:, 1].astype(np.uint16) & 0x1F) << 8 | packets[:, 2]
            for number in np.flatnonzero(packets[:, 1] & 0x40):
                tables.read(place + int(number) * form.size, int(pids[number]), packets[number])
    return tables


def _packet_runs(file: BinaryIO, form: PacketForm) -> Iterator[tuple[int, Packets]]:
    """Yield (offset of the first, consecutive packets); bytes between packets are skipped."""
    begin = form.before
    while True:
        file.seek(begin)
        data = file.read(_READ * form.size)
        at = 0
        while count := (len(data) - at) // form.size:
            packets = np.frombuffer(data, np.uint8, count * form.size, at).reshape(count, form.size)
            wrong = np.flatnonzero(packets[:, 0] != SYNC)
            whole = int(wrong[0]) if len(wrong) else count
            if whole:
                yield begin + at, packets[:whole]
            at += whole * form.size
            if len(wrong):
                at = _next_packet(data, at, form.size)
        if not at:
            return
        begin += at


def _next_packet(data: bytes, wrong: int, size: int) -> int:
    """Return the offset of the next packet after this offset, at which none begins; the end if there is none."""
    at = data.find(SYNC, wrong + 1)
    while at >= 0 and data[at + size : at + size + 1] not in (b"", bytes([SYNC])):
        at = data.find(SYNC, at + 1)
    return at if at >= 0 else len(data)


class _Tables:
    """The maps of programs as they are read, and the moves that they tell."""

    def __init__(self) -> None:
        self.moves: dict[int, _Move] = {}
        """The first move of each stream that moves, by PID."""
        self.programs: dict[int, set[int]] = {}
        """The PIDs of each program, by its number."""
        self._programs: dict[int, int] = {}
        """The number of each program that is listed, by the PID of its map."""
        self._maps: dict[int, dict[int, int]] = {}
        """Stream types by PID, of each program that is listed, by its number."""
        self._last_payloads: dict[int, bytes] = {}
        self._first: dict[int, tuple[int, int]] = {}
        """Each PID's program and stream type when it was first mapped."""
        self._pending_moves: dict[int, list[_Move]] = {}
        """Moves to streams that have no packet yet, by PID."""
        self._list_place = 0
        """Offset of the last list of programs, which files must have before their maps."""

    def read(self, place: int, pid: int, packet: Packets) -> None:
        """Read a packet with which a table, or a packet of a stream, begins."""
        if pid == _PID_OF_PROGRAMS or pid in self._programs:
            payload = _payload(packet)
            if pid == _PID_OF_PROGRAMS:
                self._list_place = place
            if self._last_payloads.get(pid) != payload and (section := _section(payload)):
                self._last_payloads[pid] = payload
                self._apply_section(place, pid, section)
        for move in self._pending_moves.pop(pid, ()):
            self.moves.setdefault(move.old[0], move)

    def _apply_section(self, place: int, pid: int, section: bytes) -> None:
        if pid == _PID_OF_PROGRAMS and section[0] == _PROGRAMS:
            listed = [section[at : at + 4] for at in range(8, len(section) - _CHECKSUM, 4)]
            self._programs = {_pid(entry[2:]): number for entry in listed if (number := int.from_bytes(entry[:2]))}
            self._maps = {number: self._maps.get(number, {}) for number in self._programs.values()}
        elif pid in self._programs and section[0] == _MAP:
            self._maps[self._programs[pid]] = dict(_streams(section))
            self._find_moves(self._list_place if place - self._list_place < _MAX_DISTANCE_TO_MAP else place)

    def _find_moves(self, place: int) -> None:
        mapped = {pid: type_ for streams in self._maps.values() for pid, type_ in streams.items()}
        for pid, (program, type_) in self._first.items():
            kind = _stream_kind(type_)
            if not kind or _has_same_decoder(mapped.get(pid), type_):
                continue
            new = self._successor(kind, pid, self._maps.get(program, mapped))
            if pid in mapped:
                self.moves.setdefault(pid, _Move(place, kind, (pid, type_), new or (pid, mapped[pid])))
            elif new:
                self._pending_moves.setdefault(new[0], []).append(_Move(place, kind, (pid, type_), new))
        for program, streams in self._maps.items():
            self.programs.setdefault(program, set()).update(streams)
            for pid, type_ in streams.items():
                self._first.setdefault(pid, (program, type_))

    def _successor(self, kind: str, old: int, streams: Mapping[int, int]) -> tuple[int, int] | None:
        """Return PID and type of the stream of this kind that takes the place of stream `old` among these."""
        new = [
            (pid, type_)
            for pid, type_ in streams.items()
            if _stream_kind(type_) == kind and (pid == old or _stream_kind(self._first.get(pid, (0, 0))[1]) != kind)
        ]
        return min(new, key=lambda stream: stream[0] != old, default=None)


def _stream_kind(type_: int) -> str:
    return next((kind for kind, codecs in _CODECS.items() if type_ in codecs), "")


def _has_same_decoder(one: int | None, other: int) -> bool:
    return one == other or any({one, other} <= types for types in _SAME_DECODER)


def _payload(packet: Packets) -> bytes:
    data = packet[:SIZE].tobytes()
    return data[5 + data[4] :] if data[3] & 0x20 else data[4:]


def _section(payload: bytes) -> bytes:
    """Return the table that begins in a packet; empty if it does not end in it or its checksum is wrong."""
    if not payload or len(payload) < (begin := 1 + payload[0]) + 8:
        return b""
    end = begin + 3 + (int.from_bytes(payload[begin + 1 : begin + 3]) & 0xFFF)
    section = payload[begin:end]
    is_whole = end <= len(payload) and crc_from_highest(section, _CHECKSUM_BEGIN) == 0
    return section if is_whole and section[5] & 1 else b""


def _pid(data: bytes) -> int:
    return int.from_bytes(data[:2]) & 0x1FFF


def _streams(section: bytes) -> Iterator[tuple[int, int]]:
    """Yield (PID, stream type) of a map of a program."""
    at = 12 + (int.from_bytes(section[10:12]) & 0xFFF)
    while at + 5 <= len(section) - _CHECKSUM:
        yield _pid(section[at + 1 :]), section[at]
        at += 5 + (int.from_bytes(section[at + 3 : at + 5]) & 0xFFF)
