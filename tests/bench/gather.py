"""Run the row scripts in separate processes and collect their output."""

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
"""Row scripts. Their folder is first on the module path, so no file may have the name of a standard library module."""
TESTS = Path(__file__).parents[1]


def gather(script: str, rounds: int) -> Iterator[Row]:
    """Yield the rows of a script; if it fails, the last row reports that."""
    yield from gather_command([sys.executable, "-m", f"bench.{script}", "--rounds", str(rounds)], script)


def gather_command(command: list[str], script: str) -> Iterator[Row]:
    """Like `gather`, for any command; output other than rows is ignored."""
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
