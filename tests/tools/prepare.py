"""Make missing tools, side by side where that saves time. One that fails costs only those that need it."""

import threading
from collections.abc import Iterable, Mapping, Sequence

from cluster.unavailable import Unavailable
from tools.progress import Progress
from tools.tool import Lane, Tool

TICK = 0.5
"""Seconds between two looks at what goes on."""


def missing(catalogue: Mapping[str, Tool], names: Iterable[str]) -> list[Tool]:
    """Tools that are not there, of these and of those that making them needs, in the catalogue's order."""
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
    """Make the tools. Returns the names of those that cannot be had, each with the reason.

    KeyboardInterrupt ends it at once: what is made is kept, and the next call goes on from there.
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
    except Exception as error:  # whatever is wrong with one tool, the others are still wanted
        problem = f"{type(error).__name__}: {error}"
    else:
        problem = ""
    progress.end(tool.name, problem)
    return problem
