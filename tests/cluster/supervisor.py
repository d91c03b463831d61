"""A supervisor that runs commands from standard input as child processes, and ends with them when it closes.

The process that started it has the other end, which the kernel closes even on kill -9. In a separate pid namespace, it
is process 1 and also reaps orphans. It is independent of Kubernetes and imports nothing from this folder.

Each request and each reply is one JSON object per line: `start` (name, argv, log) a background program, `signal` it,
query its `state`, or `run` a command to its end.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

TETHER = ["setpriv", "--pdeathsig", "KILL", "--"] if sys.platform == "linux" else []
"""The kernel kills a child when the supervisor is killed (Linux only)."""


class Supervisor:
    """The programs by name. `codes` are exit codes of those that ended; a signal is its number, negative."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.codes: dict[str, int] = {}

    def start(self, name: str, argv: list[str], log: str) -> dict[str, Any]:
        with open(log, "ab") as file:  # noqa: PTH123 - a bare interpreter starts faster without pathlib
            child = subprocess.Popen(
                [*TETHER, *argv], stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        self.codes.pop(name, None)
        self.pids[name] = child.pid
        child.returncode = 0  # reaped here, not by subprocess
        return {"pid": child.pid}

    def signal(self, name: str, number: int) -> dict[str, Any]:
        """Send a signal. A deadly one is waited for."""
        self.reap()
        if name in self.pids:
            os.kill(self.pids[name], number)
            end = time.monotonic() + 120
            while number in (signal.SIGKILL, signal.SIGTERM) and name in self.pids and time.monotonic() < end:
                time.sleep(0.02)
                self.reap()
        return self.state(name)

    def state(self, name: str) -> dict[str, Any]:
        self.reap()
        return {"running": name in self.pids, "code": self.codes.get(name)}

    def run(self, argv: list[str], stdin: str = "") -> dict[str, Any]:
        done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return {"code": done.returncode, "output": done.stdout}

    def reap(self) -> None:
        """Collect the exit codes of all ended processes, including orphans."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for name in [name for name, known in self.pids.items() if known == pid]:
                del self.pids[name]
                self.codes[name] = os.waitstatus_to_exitcode(status)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self, request.pop("do"))(**request)
        except OSError as error:
            return {"error": str(error)}
        return answer

    def end(self) -> None:
        """Kill all processes and wait for their end."""
        for pid in self.pids.values():
            os.kill(pid, signal.SIGKILL)
        while self.pids:
            time.sleep(0.01)
            self.reap()


def main() -> None:
    """Serve until standard input closes."""
    supervisor, rest = Supervisor(), b""
    print("{}", flush=True)
    while True:
        supervisor.reap()
        if not select.select([0], [], [], 0.5)[0]:
            continue
        if not (data := os.read(0, 1 << 16)):
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            print(json.dumps(supervisor.answer(json.loads(line))), flush=True)
    supervisor.end()


if __name__ == "__main__":
    main()
