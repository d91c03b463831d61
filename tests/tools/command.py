"""Execution of installers and compilers, which print nothing unless they fail and end with their caller."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

from cluster.unavailable import Unavailable
from servers.processes import LEASH

TAIL = 1500
"""Maximum length of a failed command's output in characters."""


def output(
    command: list[str | Path], what: str, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """The output of the command. Raises Unavailable with the end of its messages if it fails."""
    argv = [sys.executable, "-S", str(LEASH), *map(str, command)]
    with TemporaryFile("w+", errors="replace") as out, TemporaryFile("w+", errors="replace") as messages:
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=messages, cwd=cwd, env=env) as process:
            status = process.wait()
        out.seek(0)
        messages.seek(0)
        printed, said = out.read(), messages.read().strip()
    if status:
        raise Unavailable(f"{what} failed: {(said or printed.strip())[-TAIL:]}")
    return printed
