"""The supervisor of a cluster's processes, in separate namespaces or on the host.

A closed box (`Box.closed`) has separate pid, mount and network namespaces and a veth pair to the host. Killing any of
its first processes ends all of it, including mounts, bridges and iptables rules. In an open box, the processes end with
the supervisor; this is sufficient for a control plane without nodes and does not require root.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.instance import Instance, claim
from cluster.packages import search_path
from cluster.unavailable import Unavailable

HERE = Path(__file__).parent
NAMESPACES = ["unshare", "--fork", "--pid", "--kill-child", "--mount", "--mount-proc", "--net"]
PRIVATE = ("/run", "/var/lib/cni", "/var/lib/kubelet", "/var/log")
"""Folders that programs always write to; the box has separate, empty ones."""


class Box:
    """A running supervisor. Thread-safe: one request at a time."""

    def __init__(self, instance: Instance, process: "subprocess.Popen[str]", *, closed: bool) -> None:
        self.instance = instance
        self.closed = closed
        self.folder = instance.folder
        self.logs = instance.folder / "logs"
        self.logs.mkdir(exist_ok=True)
        self.process = process
        self._lock = threading.Lock()
        self._commands: dict[str, list[str]] = {}

    @property
    def pid(self) -> int:
        """The process with which the box ends."""
        return self.process.pid

    def start(self, name: str, *argv: str | Path) -> None:
        """Start a program in the background; its output goes to `logs`."""
        self._commands[name] = [str(each) for each in argv]
        self._ask(do="start", name=name, argv=self._commands[name], log=str(self.logs / f"{name}.log"))

    def again(self, name: str) -> None:
        """Restart a program that has ended."""
        self.start(name, *self._commands[name])

    def signal(self, name: str, number: int) -> None:
        """Send a signal; for KILL and TERM, returns when the program has ended."""
        self._ask(do="signal", name=name, number=int(number))

    def running(self, name: str) -> bool:
        return bool(self._ask(do="state", name=name)["running"])

    def run(self, *argv: str | Path, stdin: str = "") -> str:
        """Run a command in the box and return its output. Raises RuntimeError if it fails."""
        done = self._ask(do="run", argv=[str(each) for each in argv], stdin=stdin)
        if done["code"]:
            raise RuntimeError(f"{' '.join(map(str, argv))} ended with {done['code']}: {done['output'][-1000:]}")
        return str(done["output"])

    def log(self, name: str, lines: int = 20) -> str:
        """The end of a program's output."""
        path = self.logs / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._lock:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            try:
                self.process.stdin.write(json.dumps(request) + "\n")
                self.process.stdin.flush()
                line = self.process.stdout.readline()
            except BrokenPipeError:
                line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the box is gone"}
        if "error" in answer:
            raise RuntimeError(str(answer["error"]))
        return answer


@contextmanager
def opened(*, closed: bool) -> Iterator[Box]:
    """A box for the duration of the block; `closed`: in separate namespaces. Raises Unavailable."""
    if closed and os.geteuid() != 0:
        raise Unavailable("nodes need root: containers, namespaces and network interfaces are made")
    instance, lock = claim()
    process = sweeper = None
    try:
        temporary = instance.folder / "tmp"
        temporary.mkdir()
        paths = {"PATH": search_path(), "PYTHONPATH": str(HERE.parent), "TMPDIR": str(temporary)}
        environment = {**os.environ, **paths}
        process = subprocess.Popen(
            [*(NAMESPACES if closed else ()), sys.executable, "-S", "-E", str(HERE / "supervisor.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            pass_fds=(lock,),
            start_new_session=True,
        )
        # It has none of our pipes open, and it waits for the lock of the number.
        sweeper = subprocess.Popen(
            [sys.executable, "-m", "cluster.leftovers", str(instance.number)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None
        if not process.stdout.readline():
            raise Unavailable("namespaces cannot be made here: unshare failed (is this a container without rights?)")
        os.close(lock)
        lock = -1
        box = Box(instance, process, closed=closed)
        if closed:
            _join(box)
        yield box
    finally:
        if lock >= 0:
            os.close(lock)
        if process:
            _end(process)
        if sweeper:
            sweeper.wait(timeout=300)


def _end(process: "subprocess.Popen[str]") -> None:
    with process:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _join(box: Box) -> None:
    """Set up the box's network, and what it must not share with the host."""
    instance, inside = box.instance, _child(box.pid)
    for folder in PRIVATE:
        if Path(folder).is_dir():
            box.run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder)
    box.run("mount", "--make-rshared", "/")
    host, far = instance.interface, f"{instance.interface}b"
    _host("link", "add", host, "type", "veth", "peer", "name", far)
    _host("link", "set", far, "netns", str(inside), "name", "eth0")
    _host("address", "add", f"{instance.host_address}/30", "dev", host)
    _host("link", "set", host, "up")
    for command in (
        ("link", "set", "lo", "up"),
        ("address", "add", f"{instance.box_address}/30", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("route", "add", "default", "via", str(instance.host_address)),
    ):
        box.run("ip", *command)
    for network in (instance.pods, instance.services):
        _host("route", "add", str(network), "via", str(instance.box_address), "dev", host)


def _child(pid: int) -> int:
    """The supervisor's process as the host numbers it: the only child of `unshare`."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _host(*arguments: str) -> None:
    command = ["ip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": search_path()})
    if done.returncode:
        raise Unavailable(f"{' '.join(command)} failed: {done.stderr.strip()}")
