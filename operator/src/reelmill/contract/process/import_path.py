"""Command line and environment for Python processes without the current folder on their path.

`python -m` puts the current folder first, so files next to a pipeline would be imported: an `av.py` would be run, and a
`random.py` would replace the standard module. `-P` leaves the folder out, and `PYTHONSAFEPATH` does so for all child
processes. Folders that a user names in `PYTHONPATH` are kept.
"""

import os
import sys
from collections.abc import Mapping

ENV = "PYTHONSAFEPATH"


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module with this Python."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process.

    Empty entries of `PYTHONPATH` are removed: they mean the current folder and usually come from
    `PYTHONPATH=$PYTHONPATH:more`. Named folders are kept, including `.`.
    """
    safe = {**given, ENV: "1"}
    if path := given.get("PYTHONPATH"):
        safe["PYTHONPATH"] = os.pathsep.join(filter(None, path.split(os.pathsep)))
    return safe
