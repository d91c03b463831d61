"""One frame of each of some items, decoded in a process of its own: a video that crashes or hangs costs one picture."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from reelmill.contract.records.rows import Item
from reelmill.contract.task import Task
from reelmill_stages.runtime.workers import safe_child

WIDTH, HEIGHT = 200, 120
"""Largest size of a frame in pixels."""
SECONDS = 60.0
"""Time for one frame."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame as JPEG, with its size in pixels; or why there is none."""

    jpeg: bytes = b""
    width: int = 0
    height: int = 0
    problem: str = ""


def shots(task: Task, env: Mapping[str, str], items: Sequence[Item]) -> Iterator[Shot]:
    """The middle frame of each item, in order."""
    left = list(items)
    while left:
        connection, process = safe_child.start("reelmill_stages.commands.curation.frame_process", env)
        try:
            connection.send((task, dict(env), list(left)))
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
