"""A controller in a separate process, with its CPU seconds and peak memory."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench_operator.load import Load
from reelmill.local.parent_death import command_ending_with_parent


@dataclass
class Controller:
    """A running controller."""

    process: "subprocess.Popen[bytes]"
    log: Path
    began: float = field(default_factory=time.monotonic)
    memory: int = 0
    """Maximum resident memory observed so far, in bytes."""

    @property
    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cost(self, load: Load, pods: int, took: float, cpu: float) -> dict[str, float]:
        """The cost of a load with `pods` pods per pipeline that took these seconds of wall time and CPU time."""
        return {
            "seconds": round(took, 1),
            "pods a second": round(pods * load.pipelines / took, 1),
            "CPU seconds": round(cpu, 1),
            "CPU ms a pipeline": round(1000 * cpu / load.pipelines, 1),
            "cores": round(cpu / took, 2),
            "MiB": round(self.memory / 2**20),
        }

    def watch(self, stop: threading.Event) -> None:
        """Record its memory until `stop` is set."""
        while not stop.wait(0.2):
            try:
                status = Path(f"/proc/{self.process.pid}/status").read_text()
            except OSError:
                return
            kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
            self.memory = max(self.memory, int(kib) * 1024)

    def alive(self) -> None:
        """Raises RuntimeError with the end of its log if it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the controller ended: {self.log.read_text()[-2000:]}")


@contextmanager
def controller(command: Sequence[str | Path], env: Mapping[str, str], log: Path) -> Iterator[Controller]:
    """A controller for the duration of the block, which also ends with this process."""
    stop = threading.Event()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command_ending_with_parent([str(word) for word in command]),
            env={**os.environ, **env},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        found = Controller(process, log)
        watching = threading.Thread(target=found.watch, args=(stop,), daemon=True)
        watching.start()
        try:
            yield found
        finally:
            stop.set()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
