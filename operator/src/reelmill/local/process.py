"""A process that replaces a pod, with a task, an index and a report file; its log lines and its end are events."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from reelmill.contract.counters import REPORTS, REPORTS_ENV
from reelmill.contract.task import ENV, INDEX_ENV, REPORT_ENV
from reelmill.contract.text.json_line import json_object
from reelmill.local.parent_death import command_ending_with_parent
from reelmill.processes.forked import ChildProcess, ProcessTemplate
from reelmill.processes.step_template import STEP

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
    child: ChildProcess = field(repr=False)
    began: int = field(default_factory=time.time_ns)
    """Start time in nanoseconds since 1970."""
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
        self.child.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the process and its children."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def start(
    command: list[str],
    template: ProcessTemplate | None = None,
    *,
    job: str,
    index: int,
    task: str,
    folder: Path,
    environment: Mapping[str, str],
    events: Events,
    needs: Sequence[str] | None = None,
    reports: ProcessTemplate | None = None,
) -> Process:
    """Start a step in a new session, so that Ctrl-C reaches only the parent; its events are put into `events`.

    It is forked from the template, which first imports the modules that it `needs` (None: all); without a template,
    it runs the command. A forked process is lent the template `reports`. Raises CannotFork, and OSError if it cannot
    be started.
    """
    report_file = folder / f"{job}-{index}-{os.urandom(4).hex()}.json"
    ours = {ENV: task, INDEX_ENV: str(index), REPORT_ENV: str(report_file), REPORTS_ENV: REPORTS}
    environment = {**environment, **ours}
    read, write = os.pipe()
    try:
        if template:
            child = _fork([template, *([reports] if reports else [])], environment, write, needs)
        else:
            child = _spawn(command, environment, write)
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    process = Process(job, index, report_file, child)
    reader = threading.Thread(target=_read_lines, args=(process, os.fdopen(read, "rb"), events), daemon=True)
    reader.start()
    threading.Thread(target=_wait_for_exit, args=(process, reader, events), daemon=True).start()
    return process


def _fork(
    lent: Sequence[ProcessTemplate], environment: Mapping[str, str], stderr: int, needs: Sequence[str] | None
) -> ChildProcess:
    return lent[0].start(
        STEP,
        environment=environment,
        stderr=stderr,
        descriptors=[template.fileno() for template in lent],
        number=signal.SIGTERM,
        name="reelmill step",
        needs=needs,
    )


def _spawn(command: list[str], environment: Mapping[str, str], stderr: int) -> ChildProcess:
    return subprocess.Popen(
        command_ending_with_parent(command),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
    )


def _read_lines(process: Process, stream: IO[bytes], events: Events) -> None:
    with stream:
        for line in stream:
            if text := line.decode(errors="replace").rstrip():
                process.tail.append(text)
                events.put(OutputLine({**_parsed_line(text), "job": process.job, "index": process.index}))


def _wait_for_exit(process: Process, reader: threading.Thread, events: Events) -> None:
    code = process.child.wait()
    reader.join(DRAIN_SECONDS)
    events.put(ProcessExit(process, code))


def _parsed_line(text: str) -> Mapping[str, Any]:
    return json_object(text) or {"level": "info", "msg": text}
