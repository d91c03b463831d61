"""A second template for the page of the run report, which imports the plotting library while steps are running.

It is forked from the template of the steps, which must answer at once and therefore cannot import for seconds.
"""

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from reelmill.processes.forked import LIBRARY_THREADS, ProcessTemplate

SHARED = ("reelmill_stages.runtime.run_report",)
"""Modules that both templates need; the first imports them before it forks the second."""
MODULES = ("reelmill_stages.run_report.page_process", "reelmill_stages.runtime.workers.safe_child")
"""Modules that draw a report, and the main program of the process that does so."""


class ReportTemplate(ProcessTemplate):
    """Template that ends, with all its processes, when it is closed or when the process that created it ends."""

    def __init__(self, template: ProcessTemplate, environment: Mapping[str, str]) -> None:
        """`template` is the template of the steps. Raises CannotFork, or the OSError of fork(2)."""
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
