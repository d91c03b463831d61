"""One frame per item, decoded in a separate process: a video that crashes or hangs costs one picture.

Rows may come from a hostile store: a file is read only where the pipeline's own items are (`media_places`).
"""

import signal
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from multiprocessing.connection import Connection, wait

from reelmill.contract.errors import ReelmillError
from reelmill.contract.process.step_environment import step_environment
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.task import Task
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.runtime.preview_frames.media_places import MediaPlaces
from reelmill_stages.runtime.workers import safe_child
from reelmill_stages.store.open import open_store
from reelmill_stages.store.web.urls import file_path

WIDTH, HEIGHT = 200, 120
"""Maximum size of a frame in pixels."""
SECONDS = 60.0
"""Timeout for one frame, in seconds."""


_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv")


def is_image(name: str) -> bool:
    """Whether a file name is that of an image."""
    return name.lower().endswith(_IMAGES)


def image_of(item: Item) -> Media | None:
    """The item's file, or the first of its outputs, if its name is that of an image."""
    if item.media is not None:
        return item.media if is_image(file_path(item.media.uri)) else None
    found = next((output for output in item.outputs if is_image(output.key)), None)
    return Media(found.key, found.size, digest=found.digest) if found else None


def can_be_seen(item: Item) -> bool:
    """Whether an item's files are images or videos, by their names."""
    names = [file_path(item.media.uri)] if item.media is not None else [output.key for output in item.outputs]
    return any(is_image(name) or name.lower().endswith(_VIDEOS) for name in names)


def shots(
    task: Task, env: Mapping[str, str], items: Sequence[Item], *, ended: Connection | None = None
) -> Iterator[Shot]:
    """A frame from the middle of each item, in order; for items with image files, the first image.

    The task's store and sources are those of the pipeline; files elsewhere are not read. Once `ended` can be read or is
    at its end, the process is killed, and no frames follow.
    """
    places = MediaPlaces(task, open_store(task.store, env=env), env, trusted=True)
    problems = [_refused(places, item) for item in items]
    allowed = [item for item, each in zip(items, problems, strict=True) if not each]
    with closing(_decoded(task, env, allowed, ended)) as made:
        for problem in problems:
            shot = Shot(problem=problem) if problem else next(made, None)
            if shot is None:
                return
            yield shot


def _refused(places: MediaPlaces, item: Item) -> str:
    """Why the file to be shown may not be read; empty if it may, or if there is none."""
    media = item.media or image_of(item)
    try:
        if media is not None:
            places.place(media.uri, media.source)
    except ReelmillError as error:
        return error.what
    return ""


def _decoded(task: Task, env: Mapping[str, str], items: Sequence[Item], ended: Connection | None) -> Generator[Shot]:
    left, env = list(items), step_environment(env)
    while left and not (ended and ended.poll()):
        # The folder belongs to this process, because the other one may be killed.
        with tempfile.TemporaryDirectory(prefix="reelmill-stills-", ignore_cleanup_errors=True) as folder:
            connection, process = safe_child.start("reelmill_stages.runtime.preview_frames.frame_process", env)
            try:
                connection.send((task, dict(env), list(left), folder))
                while left:
                    ready = wait([connection, ended] if ended else [connection], SECONDS)
                    if ended in ready:
                        return
                    found = _received(connection) if ready else None
                    yield found or Shot(problem="the decoder crashed or took too long")
                    left.pop(0)
                    if found is None:
                        break
            finally:
                connection.close()
                process.send_signal(signal.SIGKILL)
                process.wait()


def _received(connection: Connection) -> Shot | None:
    try:
        shot: Shot = connection.recv()
    except (EOFError, OSError):
        return None
    return shot
