"""A process that replaces a pod, with a task, an index and a report file; its log lines and its end are events."""

import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from reelmill.contract.counters import COUNTERS, REPORTS_ENV
from reelmill.contract.task import ENV, INDEX_ENV, REPORT_ENV
from reelmill.local.parent_death import tethered

DRAIN_SECONDS = 2.0
"""Seconds to wait for log lines after the process has ended, because a surviving worker may keep the pipe open."""


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A log line."""

    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """The end of a process; a negative code is the number of the signal that killed it."""

    process: "Process"
    code: int


TAIL_LINES = 20

Events = SimpleQueue[OutputLine | ProcessExit]


@dataclass(eq=False, slots=True)
class Process:
    """A running step."""

    job: str
    index: int
    report_file: Path
    child: subprocess.Popen[bytes] = field(repr=False)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES), repr=False)
    """The last log lines."""

    def report(self) -> str:
        """The termination message; empty if there is none."""
        try:
            return self.report_file.read_text()
        except OSError:
            return ""

    def last_lines(self) -> str:
        """The end of the log, which Kubernetes uses as the message of a failed container without one."""
        return "\n".join(self.tail)

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.child.poll() is None:
            self.child.terminate()

    def kill(self) -> None:
        """Send SIGKILL to the process and its children."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def spawn(
    command: list[str], *, job: str, index: int, task: str, folder: Path, environment: Mapping[str, str], events: Events
) -> Process:
    """Start a step in a new session, so that Ctrl-C reaches only the parent; its events are put into `events`."""
    report_file = folder / f"{job}-{index}-{os.urandom(4).hex()}.json"
    child = subprocess.Popen(
        tethered(command),
        env={
            **environment,
            ENV: task,
            INDEX_ENV: str(index),
            REPORT_ENV: str(report_file),
            REPORTS_ENV: COUNTERS,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    process = Process(job, index, report_file, child)
    reader = threading.Thread(target=_read, args=(process, events), daemon=True)
    reader.start()
    threading.Thread(target=_wait, args=(process, reader, events), daemon=True).start()
    return process


def _read(process: Process, events: Events) -> None:
    assert process.child.stderr
    with process.child.stderr as stream:
        for line in stream:
            if text := line.decode(errors="replace").rstrip():
                process.tail.append(text)
                events.put(OutputLine({**_record(text), "job": process.job, "index": process.index}))


def _wait(process: Process, reader: threading.Thread, events: Events) -> None:
    code = process.child.wait()
    reader.join(DRAIN_SECONDS)
    events.put(ProcessExit(process, code))


def _record(text: str) -> Mapping[str, Any]:
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"level": "info", "msg": text}
