"""`make prepare`: prepare the missing tools of the tiers, and report those that are not possible on this machine.

`python -m tools [tier|tool …]` with tests/ on PYTHONPATH. Exit status: 1 if a tool is missing that was named or
that a tier in REELMILL_REQUIRE needs, 130 after an interrupt, otherwise 0.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from tools.catalogue import catalogue, needed
from tools.prepare import missing, prepare
from tools.progress import Progress
from tools.tool import Tool


def run(
    tools: Mapping[str, Tool], wanted: Mapping[str, Sequence[str]], required: Sequence[str], console: Console
) -> int:
    """Prepare groups of tools, `wanted`, and report the result. Returns the exit status."""

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    lacking = missing(tools, [name for names in wanted.values() for name in names])
    if not lacking:
        say(f"prepared: everything that {', '.join(wanted)} needs is there")
        return 0
    say(f"preparing {', '.join(tool.name for tool in lacking)}; what is ready stays, should this be cut off")
    with Progress(len(lacking), console) as progress:
        problems = prepare(lacking, progress)
    say(f"prepared: {len(lacking) - len(problems)} of {len(lacking)} in {progress.elapsed}")
    status = 0
    for group, names in wanted.items():
        if without := [name for name in names if name in problems]:
            said = "which is required" if group in required else "so tests that need that are skipped"
            say(f"{group}: this machine has no {', '.join(without)}, {said}")
            status |= group in required
    for name, problem in problems.items():
        say(f"{name}: {problem}")
    return status


def main(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Prepare the tiers or tools that the arguments name."""
    tools = catalogue()
    wanted: dict[str, Sequence[str]] = {}
    required = [name.strip() for name in environ.get("REELMILL_REQUIRE", "").split(",")]
    for word in words:
        if word in tools:
            wanted[word] = (word,)
            required.append(word)
        else:
            try:
                wanted[word] = needed(word, environ)
            except KeyError:
                sys.exit(f"neither a tier nor a tool is called {word!r}; tools: {', '.join(tools)}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if a shell started it in the background
    try:
        return run(tools, wanted, required, Console())
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
