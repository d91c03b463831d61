"""Names for files that no permitted demuxer opens, by their first bytes, for error messages."""

from collections.abc import Sequence

from reelmill_stages.media_file import MediaFile, open_file

_HEAD = 512
_KINDS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("a picture", (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"8BPS", b"\0\0\1\0")),
    ("a playlist, which names other files", (b"#EXTM3U", b"ffconcat", b"[playlist]", b"#EXT-X-")),
    (
        "a web page or another document in XML",
        (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML", b"<?xml", b"<svg", b"<MPD"),
    ),
    ("a document", (b"%PDF", b"%!PS", b"\xd0\xcf\x11\xe0")),
    ("an archive", (b"PK\3\4", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")),
    ("a text of subtitles", (b"WEBVTT", b"[Script Info]", b"1\n00:", b"1\r\n00:")),
    ("a pointer to a file in Git LFS, not the file", (b"version https://git-lfs",)),
)
"""Signatures at the beginning of files."""
_BRANDS = frozenset({"avif", "avis", "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1", "miaf"})
"""Major brands of ISO media files that contain pictures, and perhaps a track of them."""


def is_still(brand: str, durations: Sequence[int | None]) -> bool:
    """Whether an ISO media file with this major brand and these stream durations (in ticks) is a still picture.

    The streams of a still picture are tiles and thumbnails, which have no duration.
    """
    return brand in _BRANDS and all(duration is None for duration in durations)


def kind_of(path: MediaFile) -> str:
    """Return what a file is, with its article; empty for a video or an unknown file."""
    with open_file(path) as file:
        head = file.read(_HEAD)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture, which is not read as a video" + (" although it is animated" if b"ANIM" in head else "")
    if head[4:8] == b"ftyp":
        return "a picture" if head[8:12].decode("latin-1") in _BRANDS else ""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for kind, signatures in _KINDS:
        if head.startswith(signatures) or text.startswith(signatures):
            return kind
    return ""
