"""A child Python process that communicates over one connection and ends with the process that started it."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

from reelmill.contract.process import import_path
from reelmill.processes.forked import CannotFork, ChildProcess, ProcessTemplate, template_in_use
from reelmill.processes.prctl import die_with


def start(module: str, environment: Mapping[str, str]) -> tuple[Connection, ChildProcess]:
    """Run `module` in a separate session, so that a kill includes its children; returns our end of its connection.

    The module has a function `serve`, and ends with `serve_parent(serve)`. If this process has a template, the other
    one is forked from it. Raises OSError if it cannot be started.
    """
    if template := template_in_use():
        with suppress(CannotFork):
            return fork(template, module, environment)
    return _start_with_pipe(lambda descriptor: _spawn(module, import_path.environment(environment), descriptor))


def fork(
    template: ProcessTemplate, module: str, environment: Mapping[str, str], *, name: str = "reelmill worker"
) -> tuple[Connection, ChildProcess]:
    """Run `module` in the same way, in a process forked from this template.

    Raises CannotFork, or the OSError of fork(2).
    """
    return _start_with_pipe(
        lambda descriptor: template.start(
            f"{__name__}:serve_forked",
            module,
            environment=import_path.environment(environment),
            stderr=2,
            descriptors=[descriptor],
            name=name,
        )
    )


def _start_with_pipe(start_: Callable[[int], ChildProcess]) -> tuple[Connection, ChildProcess]:
    ours, theirs = multiprocessing.Pipe(duplex=True)
    with theirs:
        try:
            return ours, start_(theirs.fileno())
        except BaseException:
            ours.close()
            raise


def _spawn(module: str, environment: dict[str, str], descriptor: int) -> ChildProcess:
    return subprocess.Popen(
        import_path.command(module, str(descriptor), str(os.getpid())),
        stdin=subprocess.DEVNULL,
        env=environment,
        pass_fds=[descriptor],
        start_new_session=True,
    )


def serve_forked(module: str, descriptor: int) -> None:
    """The main program of a process that was forked from a template."""
    _serve(import_module(module).serve, descriptor)


def serve_parent(serve: Callable[[Connection], None]) -> None:
    """The main program of a process that was spawned: call `serve` with the connection to the parent."""
    descriptor, parent = map(int, sys.argv[1:3])
    die_with(parent, signal.SIGKILL)
    os.set_inheritable(descriptor, False)
    _serve(serve, descriptor)


def _serve(serve: Callable[[Connection], None], descriptor: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(Connection(descriptor))
    except (EOFError, BrokenPipeError):  # the parent has ended
        sys.exit(1)
