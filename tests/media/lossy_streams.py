"""Transport streams from which tests take packets, and the frames that are given of what is left."""

from contextlib import suppress
from pathlib import Path

import av

import footage
from exact import picture_digest
from reelmill.contract.errors import ItemError
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.timeline.timeline import read_timeline

TS = 188

CODECS = {
    "hevc": ("libx265", ("-preset", "ultrafast", "-x265-params", "log-level=0:keyint=10:pools=none:frame-threads=1")),
    "h264": ("libx264", ("-preset", "ultrafast", "-g", "10", "-bf", "2")),
    "mpeg2": ("mpeg2video", ("-g", "10", "-bf", "2")),
}


def stream(codec: str, size: tuple[int, int] = (208, 112)) -> Path:
    encoder, options = CODECS[codec]
    options = ("-pix_fmt", "yuv420p", *options)
    return footage.video(seconds=1, size=size, codec=encoder, options=options, audio=False, container="ts")


def digests(path: Path) -> set[str]:
    with av.open(str(path)) as container:
        return {picture_digest(frame) for frame in container.decode(video=0)}


def given(path: Path) -> tuple[set[str], int]:
    """Digests of the frames that are given, and the number of those that are refused."""
    timeline = read_timeline(path)
    found, refused = set(), 0
    for index in range(len(timeline)):
        try:
            found |= {picture_digest(picture.frame) for picture in decode(path, timeline, [index])}
        except ItemError:
            refused += 1
    return found, refused


def shown(path: Path) -> dict[int, str]:
    """Digests of the frames that are given, by their times."""
    timeline = read_timeline(path)
    found = {}
    for index in range(len(timeline)):
        with suppress(ItemError):
            (picture,) = decode(path, timeline, [index])
            found[timeline.pts[index]] = picture_digest(picture.frame)
    return found


def noisy() -> Path:
    """A stream of HEVC whose pictures have many packets, with a key frame at every tenth picture."""
    options = ("keyint=10", "min-keyint=10", "scenecut=0", "bframes=0", "qp=36", "pools=none", "frame-threads=1")
    return footage.video(
        seconds=1,
        size=(208, 112),
        codec="libx265",
        options=("-pix_fmt", "yuv420p", "-vf", "noise=alls=20:allf=t", "-preset", "ultrafast", "-x265-params",
                 ":".join(("log-level=0", *options))),
        audio=False,
        container="ts",
    )  # fmt: skip


FORMS = {192: (b"\x12\x34\x56\x78", b""), 204: (b"", bytes(range(16)))}


def in_form(data: bytes, size: int) -> bytes:
    """The packets of a stream with what other forms put before and behind each."""
    before, behind = FORMS[size]
    return b"".join(before + data[at : at + TS] + behind for at in range(0, len(data), TS))


def without_times(data: bytes) -> bytes:
    """A transport stream of one video whose pictures have no times."""
    made = bytearray(data)
    for at in range(0, len(made), TS):
        if made[at + 1] & 0x5F == 0x41 and made[at + 2] == 0:  # a PES packet begins
            header = at + 4 + (made[at + 4] + 1 if made[at + 3] & 0x20 else 0)
            made[header + 7] &= 0x3F
            length = made[header + 8]
            made[header + 9 : header + 9 + length] = b"\xff" * length
    return bytes(made)
