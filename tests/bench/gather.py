"""Runs the row scripts, each in a process of its own, and gathers what they print."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row

SCRIPTS = (
    "frames", "decoders", "clip", "scenes", "fused", "filter", "pack", "packs", "index", "chunks", "embed", "grid",
    "transfer", "ranges", "overhead", "small", "dedup", "measures", "juicer", "chain", "readers", "rows", "formats",
)  # fmt: skip
"""No file there may be called like a module of the standard library: their folder comes first on the module path."""
TESTS = Path(__file__).parents[1]


def gather(script: str, rounds: int) -> Iterator[Row]:
    """The rows of a script as they come; one that breaks off ends with a row that says so."""
    yield from gather_command([sys.executable, "-m", f"bench.{script}", "--rounds", str(rounds)], script)


def gather_command(command: list[str], script: str) -> Iterator[Row]:
    """As `gather`, of any command; what it prints besides rows is passed over."""
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            for line in process.stdout or ():
                if row := _row(line):
                    yield row
        errors.seek(0)
        said = errors.read().strip().splitlines()
    if process.returncode:
        reason = said[-1] if said else "no message"
        yield Row(script, "the rest", not_run=f"ended with {process.returncode}: {reason[:300]}")


def _row(line: str) -> Row | None:
    try:
        return Row.from_json(json.loads(line))
    except (ValueError, TypeError):
        return None
