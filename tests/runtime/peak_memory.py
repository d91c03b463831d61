"""How much memory a process took at its peak, its own children included."""

import os
import subprocess
import sys

from host import max_rss

SMALL_PARENT = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
"""A process begins with the peak of the one that started it, so that one has to be small."""


def peak_of(command: list[str], **environment: str) -> int:
    """Peak resident bytes of a process that must succeed."""
    small = [sys.executable, "-S", "-c", SMALL_PARENT, *command]
    told = subprocess.run(small, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True)
    return max_rss(int(told.stdout))
