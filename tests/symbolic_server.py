"""Symbolic steps as real processes: a small program per step gets its log, report and exit code from this process."""

import json
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from reelmill.contract.task import Step, Task
from symbolic_stages import SymbolicStore

CLIENT = """
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
stream = link.makefile("rw")
task, index = os.environ["REELMILL_TASK"], int(os.environ["JOB_COMPLETION_INDEX"])
stream.write(json.dumps([task, index, os.environ.get("REELMILL_NEXT", "")]) + "\\n")
stream.flush()
for line in stream:
    kind, value = json.loads(line)
    if kind == "log": print(value, file=sys.stderr, flush=True)
    if kind == "report" and value:
        with open(os.environ["REELMILL_REPORT"], "w") as file: file.write(value)
    if kind == "exit": sys.exit(value)
"""


class SymbolicServer:
    """Executes steps over one store for the processes that `command` starts. Shards wait while `go` is cleared."""

    def __init__(self, folder: Path, store: SymbolicStore) -> None:
        self.store = store
        self.go = threading.Event()
        self.go.set()
        self._path = folder / "steps"
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-I", "-S", "-c", CLIENT, str(self._path)]

    def close(self) -> None:
        self.go.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with link, link.makefile("r") as stream, suppress(BrokenPipeError, ConnectionResetError):
            if not (request := stream.readline()):
                return  # the process was killed before it sent anything
            text, index, follow_up = json.loads(request)
            task = Task.model_validate_json(text)
            _say(link, "log", json.dumps({"level": "info", "msg": "step", "step": task.step.value}))
            if task.step is Step.SHARDS or (follow_up and json.loads(follow_up).get("whole")):
                _say(link, "log", json.dumps({"msg": "progress", "stage": task.stage.name, "shard": index}))
                self.go.wait()
                _say(link, "log", "going on")  # fails if the process has ended, so that nothing is done
            with self._lock:
                code, report = self.store.execute(task, index, follow_up)
            _say(link, "report", report)
            _say(link, "exit", code)


def _say(link: socket.socket, kind: str, value: object) -> None:
    link.sendall(json.dumps([kind, value]).encode() + b"\n")
