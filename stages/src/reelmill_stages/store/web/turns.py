"""Limits on requests to one server, shared by all processes of a machine or pod.

A server has as many slots as simultaneous requests are allowed. A slot is a file that is locked while a request runs,
so a killed process releases it. A record next to the slots contains the time at which the next request may begin.
"""

import fcntl
import hashlib
import os
import stat
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reelmill.contract.errors import TransientError

LONGEST = 120.0
"""Maximum seconds that a request waits for a server that asked for a pause, or because of the delay between requests.
"""
_SLOT = 600.0
"""Maximum seconds that a request waits for others to end."""
_LOOK = 0.02
_RECORD = struct.Struct("<dd")


class Turns:
    """At most `parallel` simultaneous requests to a server, whose starts are at least `delay` seconds apart."""

    def __init__(
        self,
        parallel: int,
        delay: float,
        folder: Path | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` is the time in seconds since the epoch, on a clock that all processes share."""
        self._parallel = parallel
        self._delay = delay
        self._folder = folder or _shared_folder()
        self._sleep = sleep
        self._now = now

    def take(self, server: str) -> Callable[[], None]:
        """Wait for a turn, and return the function that ends it. Raises TransientError after the maximum wait."""
        place = self._folder_of_server(server)
        slot = self._slot(place, server)
        try:
            wait = self._reserved_wait(place, server)
            while wait > 0:
                self._sleep(wait)
                wait = self._reserved_wait(place, server) if self._is_paused(place) else 0.0
        except BaseException:
            os.close(slot)
            raise
        return lambda: os.close(slot)

    def pause(self, server: str, seconds: float) -> None:
        """Let no request to the server begin for this time."""
        with _record(self._folder_of_server(server)) as record:
            record.not_before = max(record.not_before, self._now() + seconds)

    def _folder_of_server(self, server: str) -> Path:
        place = self._folder / hashlib.sha256(server.encode()).hexdigest()[:16]
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _slot(self, place: Path, server: str) -> int:
        end = time.monotonic() + _SLOT + self._parallel * self._delay
        while time.monotonic() < end:
            for number in range(self._parallel):
                slot = os.open(place / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(slot)
                else:
                    return slot
            time.sleep(_LOOK)
        raise TransientError(
            f"{self._parallel} other requests to the server did not finish", where=server, hint="raise web.parallel"
        )

    def _is_paused(self, place: Path) -> bool:
        """Return whether the server asked for a pause while the request waited."""
        with _record(place) as record:
            return record.not_before > self._now()

    def _reserved_wait(self, place: Path, server: str) -> float:
        """Return the seconds until the request may begin, at a time that is reserved for it."""
        with _record(place) as record:
            now = self._now()
            if record.not_before - now > LONGEST:
                raise TransientError(
                    f"the server asks to wait for {record.not_before - now:.0f} s (Retry-After)",
                    where=server,
                    hint="run again later to continue",
                )
            # Every request with a slot may have a reserved time in the future. A time after all of these is from a
            # wrong clock.
            latest = now + max(LONGEST, self._parallel * self._delay)
            begin = max(now, record.not_before, min(record.last + self._delay, latest))
            record.last = begin
            return begin - now


class _Times:
    """Times in seconds since the epoch: the start of the last request, and the earliest start of the next one."""

    def __init__(self, last: float, not_before: float) -> None:
        self.last = last
        self.not_before = not_before


@contextmanager
def _record(place: Path) -> Iterator[_Times]:
    """Open the times of a server, locked."""
    descriptor = os.open(place / "times", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        data = os.pread(descriptor, _RECORD.size, 0)
        times = _Times(*(_RECORD.unpack(data) if len(data) == _RECORD.size else (0.0, 0.0)))
        yield times
        os.pwrite(descriptor, _RECORD.pack(times.last, times.not_before), 0)
    finally:
        os.close(descriptor)


def _shared_folder() -> Path:
    """Return a folder of this user for all processes; if another user owns that name, one for this process."""
    folder = Path(tempfile.gettempdir()) / f"reelmill-web-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return Path(tempfile.mkdtemp(prefix="reelmill-web-"))
    return folder
