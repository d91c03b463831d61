"""Damage by chance that numbers and checksums tell of.

Pages of Ogg and pictures of a transport stream are lost, whether all of them tell their time or few; bits are flipped
in slices with checksums.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

import av

TS = 188


def damaged(chance: random.Random, codec: str, container: str, source: Path, words: list[str]) -> Path:
    """A file that lacks something of the source, or the source itself; `words` say what."""
    data = source.read_bytes()
    if container == "ogv" and chance.random() < 0.7:
        changed = _without_page(chance, data, words)
    elif codec == "ffv1" and chance.random() < 0.7:
        changed = _flipped(chance, source, data, words)
    elif container == "ts" and codec != "vvc" and chance.random() < 0.5:
        changed = _without_picture(chance, codec, source, data, words)
    else:
        return source
    target = source.with_stem(f"{source.stem}_damaged")
    target.write_bytes(changed)
    return target


def _without_page(chance: random.Random, data: bytes, words: list[str]) -> bytes:
    found, at = [], 0
    while at < len(data):
        segments = 27 + data[at + 26]
        size = segments + sum(data[at + 27 : at + segments])
        found.append((at, size, struct.unpack_from("<I", data, at + 18)[0]))
        at += size
    later = [(at, size) for at, size, number in found[:-1] if number > 1]
    if not later:
        return data
    at, size = chance.choice(later)
    words.append(f"page lost at {at}")
    if chance.random() < 0.5:
        return data[:at] + data[at + size :]
    return _with_flip(chance, data, at + 27, at + size)


def _flipped(chance: random.Random, source: Path, data: bytes, words: list[str]) -> bytes:
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size > 40]
    if not packets:
        return data
    packet = chance.choice(packets)
    at = data.find(packet)
    if at < 0 or packets.count(packet) > 1:
        return data
    words.append(f"bit flipped at {at}")
    return _with_flip(chance, data, at + 8, at + len(packet))


def _with_flip(chance: random.Random, data: bytes, begin: int, end: int) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(begin, end)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _without_picture(chance: random.Random, codec: str, source: Path, data: bytes, words: list[str]) -> bytes:
    """Where the times of MPEG-2 are removed, the source loses them too."""
    every = chance.choice((1, 3, 7, 100)) if codec == "mpeg2" else 1
    if every > 1:
        words.append(f"a time every {every}")
        data = _with_few_times(data, every)
        source.write_bytes(data)
    places = [at for at in range(0, len(data), TS) if data[at + 1] & 0x1F == 1 and data[at + 2] == 0]
    begins = [number for number, at in enumerate(places) if data[at + 1] & 0x40]
    if len(begins) < 4:
        return data
    picture = chance.randrange(2, len(begins) - 1)
    lost = set(places[begins[picture] : begins[picture + 1]])
    words.append(f"picture lost at {picture}")
    return b"".join(data[at : at + TS] for at in range(0, len(data), TS) if at not in lost)


def _with_few_times(data: bytes, every: int) -> bytes:
    made = bytearray(data)
    begins = [at for at in range(0, len(made), TS) if made[at + 1] & 0x5F == 0x41 and made[at + 2] == 0]
    for number, at in enumerate(begins):
        if number % every:
            header = at + 4 + (made[at + 4] + 1 if made[at + 3] & 0x20 else 0)
            made[header + 7] &= 0x3F
            length = made[header + 8]
            made[header + 9 : header + 9 + length] = b"\xff" * length
    return bytes(made)
