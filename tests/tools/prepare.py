"""Preparation of missing tools, in parallel if that saves time. A failure affects only dependent tools."""

import threading
from collections.abc import Iterable, Mapping, Sequence

from cluster.unavailable import Unavailable
from tools.progress import Progress
from tools.tool import Lane, Tool

TICK = 0.5
"""Seconds between checks of the progress."""


def missing(catalogue: Mapping[str, Tool], names: Iterable[str]) -> list[Tool]:
    """The missing ones of these tools and their dependencies, in the order of the catalogue."""
    found: set[str] = set()

    def look(name: str) -> None:
        if name not in found and not catalogue[name].ready():
            found.add(name)
            for need in catalogue[name].needs:
                look(need)

    for name in names:
        look(name)
    return [tool for tool in catalogue.values() if tool.name in found]


def prepare(tools: Sequence[Tool], progress: Progress) -> dict[str, str]:
    """Make the tools. Returns the names of those that cannot be made, with the reasons.

    KeyboardInterrupt ends it immediately; finished tools are kept, and the next call continues from there.
    """
    problems: dict[str, str] = {}
    ended = {tool.name: threading.Event() for tool in tools}

    def work(lane: Lane) -> None:
        for tool in tools:
            if tool.lane is lane:
                for need in tool.needs:
                    if need in ended:
                        ended[need].wait()
                if problem := _make(tool, problems, progress):
                    problems[tool.name] = problem
                ended[tool.name].set()

    threads = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in Lane]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(TICK)
            progress.tick()
    return problems


def _make(tool: Tool, problems: Mapping[str, str], progress: Progress) -> str:
    for need in tool.needs:
        if need in problems:
            progress.skip(tool.name, need)
            return f"needs {need}"
    progress.begin(tool.name)
    try:
        tool.make()
        tool.find()
    except Unavailable as error:
        problem = str(error)
    except Exception as error:  # one failing tool must not affect the others
        problem = f"{type(error).__name__}: {error}"
    else:
        problem = ""
    progress.end(tool.name, problem)
    return problem
