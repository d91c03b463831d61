"""A second template for the page of the run report: it imports the library for plots while steps work.

It is forked from the template of the steps, so that this one, which has to answer at once, never imports for seconds.
"""

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from reelmill.processes.forked import LIBRARY_THREADS, ProcessTemplate

SHARED = ("reelmill_stages.runtime.run_report",)
"""What both templates need: the first one imports it before it forks the other."""
MODULES = ("reelmill_stages.run_report.page_process", "reelmill_stages.runtime.workers.safe_child")
"""What draws a report, and the main program of a process that does."""


class ReportTemplate(ProcessTemplate):
    """Ends when it is closed, or with the process that made it, and all its processes with it."""

    def __init__(self, template: ProcessTemplate, environment: Mapping[str, str]) -> None:
        """`template` is that of the steps. Raises CannotFork, or the OSError of fork(2)."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours)
        try:
            with theirs, Path(os.devnull).open("wb") as nowhere:
                self._process = template.start(
                    "reelmill.processes.template:serve",
                    environment={**environment, **LIBRARY_THREADS},
                    stderr=nowhere.fileno(),
                    descriptors=[theirs.fileno()],
                    name="reelmill report",
                    needs=SHARED,
                )
        except BaseException:
            ours.close()
            raise
        self.preload(MODULES)

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """End it."""
        super().close()
        self._process.send_signal(signal.SIGKILL)
