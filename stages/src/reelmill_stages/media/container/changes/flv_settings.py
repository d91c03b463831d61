"""Decoder settings in an FLV file, which are tags among the packets: a seek past a tag does not apply it."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from reelmill_stages.media_file import MediaFile

_SIGNATURE = b"FLV"
_TAG_HEADER = 11
_PREVIOUS_TAG_SIZE = 4
_TYPE_MASK = 0x1F
_SOUND, _PICTURES = 8, 9
_AAC, _AVC, _EXTENDED = 10, 7, 9
_PREFIX = 5
"""Bytes at the beginning of a tag's data that identify settings; their content follows."""
_MAX_SETTINGS = 1 << 16
"""Maximum bytes of settings that are compared."""


def settings_change(path: MediaFile, *, sound: bool) -> bool:
    """Whether an FLV file contains different settings for its sound, or for its pictures. False for other files."""
    if not isinstance(path, Path):
        return False
    state = path.stat()
    return _changing_settings(path, state.st_size, state.st_mtime_ns)[not sound]


@lru_cache(maxsize=4)
def _changing_settings(path: Path, _size: int, _changed: int) -> tuple[bool, bool]:
    """Return whether the settings of (sound, pictures) change."""
    first: dict[int, bytes] = {}
    changing: set[int] = set()
    with path.open("rb") as file:
        for kind, settings in _settings(file):
            if settings != first.setdefault(kind, settings):
                changing.add(kind)
    return _SOUND in changing, _PICTURES in changing


def _settings(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (type of the tag, settings); stops at bytes that are no tag."""
    head = file.read(9)
    if not head.startswith(_SIGNATURE) or len(head) < 9:
        return
    place = int.from_bytes(head[5:9]) + _PREVIOUS_TAG_SIZE
    while True:
        file.seek(place)
        tag = file.read(_TAG_HEADER + _PREFIX)
        if len(tag) < _TAG_HEADER:
            return
        kind, size, data = tag[0] & _TYPE_MASK, int.from_bytes(tag[1:4]), tag[_TAG_HEADER:]
        if size > 1 and len(data) > 1 and _is_settings(kind, data):
            yield kind, data[: min(size, _PREFIX)] + file.read(min(max(0, size - _PREFIX), _MAX_SETTINGS))
        place += _TAG_HEADER + size + _PREVIOUS_TAG_SIZE


def _is_settings(kind: int, data: bytes) -> bool:
    if kind == _SOUND:
        codec = data[0] >> 4
        return (codec == _AAC and data[1] == 0) or (codec == _EXTENDED and data[0] & 0xF == 0)
    if kind == _PICTURES:
        return data[0] & 0xF == 0 if data[0] & 0x80 else data[0] & 0xF == _AVC and data[1] == 0
    return False
