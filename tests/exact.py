"""Digests of frames, for tests that compare every visible frame bit by bit."""

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def shown(path: Path, stream: int = 0) -> list[tuple[Fraction, str]]:
    """(seconds, digest of the decoded picture) of every visible frame, in order of presentation."""
    with av.open(str(path)) as container:
        container.streams.video[stream].thread_count = 1
        return [(frame.pts * frame.time_base, picture_digest(frame)) for frame in container.decode(video=stream)]


def picture_digest(frame: av.VideoFrame) -> str:
    """Digest of the samples of all planes, without the padding of lines."""
    digest = hashlib.sha256(frame.format.name.encode())
    depth = 2 if frame.format.components[0].bits > 8 else 1
    for plane in frame.planes:
        lines = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        digest.update(lines[:, : plane.width * depth].tobytes())
    return digest.hexdigest()
