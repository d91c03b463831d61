"""Output without rich: all lines are printed here, with control characters escaped."""

import sys
from pathlib import Path

from reelmill.contract.text.terminal import printable


def write(line: str) -> None:
    """Print a line to standard output."""
    print(printable(line))


def say(line: str) -> None:
    """Print a line to standard error."""
    print(printable(line), file=sys.stderr, flush=True)


def program() -> str:
    """The name under which this program was started: `reelmill`, or `kubectl reelmill` as a plugin."""
    return "kubectl reelmill" if Path(sys.argv[0]).name.startswith("kubectl-reelmill") else "reelmill"
