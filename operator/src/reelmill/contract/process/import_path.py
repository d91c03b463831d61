"""How a Python process of ours is started: without the current folder on its path.

`python -m` puts the current folder first, and with it whatever lies beside a pipeline: an `av.py` would be run, a
`random.py` would take the place of Python's own. `-P` leaves it out, and `PYTHONSAFEPATH` does so for every Python that
is started in turn. What a user names in `PYTHONPATH` stays.
"""

import os
import sys
from collections.abc import Mapping

ENV = "PYTHONSAFEPATH"


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module by this Python."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of such a process.

    An empty entry of `PYTHONPATH` means the current folder, and is mostly left over from `PYTHONPATH=$PYTHONPATH:more`:
    it goes. A folder that is named, `.` too, stays.
    """
    safe = {**given, ENV: "1"}
    if path := given.get("PYTHONPATH"):
        safe["PYTHONPATH"] = os.pathsep.join(filter(None, path.split(os.pathsep)))
    return safe
