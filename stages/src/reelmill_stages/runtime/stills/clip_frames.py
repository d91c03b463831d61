"""One frame of each of some items, decoded in a process of its own: a video that crashes or hangs costs one picture."""

import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection

from reelmill.contract.records.rows import Item
from reelmill.contract.task import Task
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.runtime.workers import safe_child

WIDTH, HEIGHT = 200, 120
"""Largest size of a frame in pixels."""
SECONDS = 60.0
"""Time for one frame."""


_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv")


def is_image(name: str) -> bool:
    """Whether the name of a file is that of an image."""
    return name.lower().endswith(_IMAGES)


def can_be_seen(item: Item) -> bool:
    """Whether an item's files seem to be images or videos, by their names."""
    names = [item.media.uri] if item.media is not None else [output.key for output in item.outputs]
    return any(is_image(name) or name.lower().endswith(_VIDEOS) for name in names)


def shots(task: Task, env: Mapping[str, str], items: Sequence[Item]) -> Iterator[Shot]:
    """The middle frame of each item, in order; of one whose files are images, the first of these."""
    left = list(items)
    while left:
        # The folder is this process's, because the other one is killed.
        with tempfile.TemporaryDirectory(prefix="reelmill-stills-", ignore_cleanup_errors=True) as folder:
            connection, process = safe_child.start("reelmill_stages.runtime.stills.frame_process", env)
            try:
                connection.send((task, dict(env), list(left), folder))
                while left:
                    found = _received(connection)
                    yield found or Shot(problem="the decoder crashed, or took too long")
                    left.pop(0)
                    if found is None:
                        break
            finally:
                connection.close()
                process.send_signal(signal.SIGKILL)
                process.wait()


def _received(connection: Connection) -> Shot | None:
    try:
        if connection.poll(SECONDS):
            shot: Shot = connection.recv()
            return shot
    except (EOFError, OSError):
        pass
    return None
