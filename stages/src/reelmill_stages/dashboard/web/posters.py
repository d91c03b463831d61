"""One frame of a video as a picture, made in a separate process and cached in the scratch folder.

A video that crashes or hangs the decoder affects only its picture: `clip_frames` ensures this.
"""

import hashlib
import multiprocessing
import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from reelmill.contract.records.rows import Item
from reelmill.contract.task import Task
from reelmill_stages.media.timeline.item_span import known_span
from reelmill_stages.pictures.shot import Shot
from reelmill_stages.runtime.preview_frames.clip_frames import shots

TOGETHER = 16
"""Maximum number of pictures that one process makes."""
CLOSING = 5.0
"""Seconds that `close` waits for the thread, whose process it has ended."""
CLOSED = Shot(problem="the dashboard is stopping")
MOST_BYTES = 512 << 20
"""Maximum size of the cached pictures in bytes; beyond it, all are removed and made again."""

_KEPT = re.compile(r"[0-9a-f]{40}\.(jpg|\d+)")
_Order = tuple[Task, Item, "Future[Shot]"]


class Posters:
    """Makes pictures, one process at a time. Thread-safe."""

    def __init__(self, scratch: Path, env: Mapping[str, str]) -> None:
        self._folder = scratch / "posters"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._env = env
        self._ended, self._end = multiprocessing.Pipe(duplex=False)
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Order | None] = SimpleQueue()
        self._cached_bytes = sum(path.stat().st_size for path in self._folder.iterdir())
        self._thread = threading.Thread(target=self._run, name="posters", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End at once: a picture that is not made yet has a problem, and the process that makes pictures is killed."""
        with self._lock:
            self._end.close()
            self._queue.put(None)
        self._thread.join(CLOSING)

    def of(self, task: Task, item: Item, *, timeout: float = 60.0) -> Shot:
        """Return a JPEG of a frame from the middle, or the problem."""
        path = self._path(task, item)
        try:
            return Shot(jpeg=path.read_bytes())
        except FileNotFoundError:
            pass
        made: Future[Shot] = Future()
        with self._lock:  # no order follows that of `close`
            if self._end.closed:
                return CLOSED
            self._queue.put((task, item, made))
        try:
            shot = made.result(timeout)
        except TimeoutError:
            made.cancel()  # unless it is being made
            return Shot(problem="it takes too long")
        if shot.jpeg:
            with suppress(OSError):  # a full disk must not lose this picture; the next one is made again
                self._cache_picture(path, shot.jpeg)
        return shot

    def _run(self) -> None:
        first: _Order | None
        waiting: deque[_Order | None] = deque()
        while (first := waiting.popleft() if waiting else self._queue.get()) is not None:
            while not self._queue.empty():
                waiting.append(self._queue.get())
            together = [first]
            while waiting and (order := waiting[0]) and order[0] is first[0] and len(together) < TOGETHER:
                together.append(order)
                waiting.popleft()
            self._make(first[0], [order for order in together if order[2].set_running_or_notify_cancel()])
        self._ended.close()

    def _make(self, task: Task, orders: Sequence[_Order]) -> None:
        problem = CLOSED
        try:
            made = shots(task, self._env, [each[1] for each in orders], ended=self._ended)
            for order, shot in zip(orders, made, strict=False):
                order[2].set_result(shot)
        except Exception as error:  # pictures of other videos are still made
            problem = Shot(problem=str(error) or type(error).__name__)
        for order in orders:
            if not order[2].done():
                order[2].set_result(problem)

    def _path(self, task: Task, item: Item) -> Path:
        media = item.media
        part = known_span(item)
        span = (part.start, part.end) if part else None
        identity = (task.store.uri, media and (media.uri, media.size, media.digest, media.etag), span)
        return self._folder / f"{hashlib.sha256(repr(identity).encode()).hexdigest()[:40]}.jpg"

    def _cache_picture(self, path: Path, jpeg: bytes) -> None:
        self._cached_bytes += len(jpeg)
        if self._cached_bytes > MOST_BYTES:
            for old in filter(lambda each: _KEPT.fullmatch(each.name), self._folder.iterdir()):
                old.unlink(missing_ok=True)
            self._cached_bytes = len(jpeg)
        unfinished = path.with_suffix(f".{threading.get_ident()}")
        unfinished.write_bytes(jpeg)
        unfinished.replace(path)
