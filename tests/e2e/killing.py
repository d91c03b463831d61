"""SIGKILL for a run and everything it started, all at once. Helpers of the tests in `e2e/`."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable

from workshop import Workshop

from host import children, command_line, name


def descendants(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    found = [pid]
    for known in found:
        found += children(known)
    return found


def workers(pid: int) -> list[int]:
    """Worker processes of a run, forked or spawned."""
    module = "reelmill_stages.runtime.workers.worker_main"
    return [found for found in descendants(pid) if name(found) == "reelmill worker" or module in command_line(found)]


def kill_all(process: subprocess.Popen[str]) -> None:
    """SIGKILL all of a run; stopped first, so that nobody notices that another one is gone."""
    for pid in (found := descendants(process.pid)):
        _signal(pid, signal.SIGSTOP)
    for pid in found:
        _signal(pid, signal.SIGKILL)
    process.communicate()


def kill_when(shop: Workshop, ready: Callable[[], bool], seconds: float = 600.0) -> None:
    """Run until something is so, then kill."""
    process = shop.start()
    end = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.01)
    kill_all(process)


def run_killing(shop: Workshop, kills: int, seed: int, longest: float) -> int:
    """Run and kill at random moments, then to the end; how many kills hit a run."""
    moments = random.Random(seed)
    hits = 0
    for _ in range(kills):
        process = shop.start()
        try:
            process.wait(timeout=moments.uniform(0.1, longest))
        except subprocess.TimeoutExpired:
            kill_all(process)
            hits += 1
        else:
            _, err = process.communicate()
            assert process.returncode == 0, err
    shop.run()
    return hits


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
