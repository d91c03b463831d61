"""The operator as a process that records its memory: `python -m endurance.observed_operator KUBECONFIG FILE SECONDS`.

The settings come from the environment, as in a pod. Every few seconds, a line of JSON is appended to the file: resident
memory, file handles, threads, tasks, requests to the API server, and the size of every container in every object of the
controller, found by the garbage collector, so that no container is overlooked.
"""

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelmill.contract import log
from reelmill.controller.kube.connection import Access
from reelmill.controller.operator import Operator
from reelmill.controller.settings import read

PACKAGE = "reelmill.controller."
PAGE = os.sysconf("SC_PAGE_SIZE")


def containers() -> Counter[str]:
    """`Class.attribute` -> entries in it, over all objects of the controller."""
    found: Counter[str] = Counter()
    for each in gc.get_objects():
        kind = type(each)
        if str(kind.__module__).startswith(PACKAGE):
            for name, value in _attributes(each):
                if isinstance(value, dict | list | set):
                    found[f"{kind.__name__}.{name}"] += _entries(value)
    return found


def _attributes(each: object) -> Iterator[tuple[str, object]]:
    yield from vars(each).items() if hasattr(each, "__dict__") else ()
    for name in getattr(type(each), "__slots__", ()):
        if hasattr(each, name):
            yield name, getattr(each, name)


def _entries(value: dict[Any, Any] | list[Any] | set[Any]) -> int:
    """Entries of a container; of a dictionary of containers, the entries of these."""
    inner = list(value.values()) if isinstance(value, dict) else []
    if inner and all(isinstance(each, dict | list | set) for each in inner):
        return sum(len(each) for each in inner)
    return len(value)


def sample(operator: Operator) -> dict[str, Any]:
    """A sample of the process."""
    gc.collect()
    requests: Counter[str] = Counter()
    for metric in operator.metrics.registry.collect():
        for one in metric.samples:
            if one.name == "rest_client_requests_total":
                requests[one.labels["method"]] += int(one.value)
    return {
        "at": time.time(),
        "cpu": time.process_time(),
        "rss": int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "tasks": sum(isinstance(each, asyncio.Task) and not each.done() for each in gc.get_objects()),
        "objects": len(gc.get_objects()),
        "requests": dict(requests),
        "containers": dict(containers()),
    }


async def _tell(operator: Operator, file: Path, seconds: float) -> None:
    while True:
        with file.open("a") as out:
            out.write(json.dumps(sample(operator)) + "\n")
        await asyncio.sleep(seconds)


async def _main(kubeconfig: str, file: Path, seconds: float) -> None:
    operator = Operator(Access(kubeconfig=kubeconfig), read())
    async with asyncio.TaskGroup() as group:
        group.create_task(operator.run())
        group.create_task(_tell(operator, file, seconds))


if __name__ == "__main__":
    log.setup(level="WARNING")
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
