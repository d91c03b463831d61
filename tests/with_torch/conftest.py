"""Gives the tests of this folder torch, and nobody else: it is installed once, when the store tier runs."""

import os
import sys

from torch_home import torch_home

collect_ignore_glob: list[str] = []

if "store" in (os.environ.get("REELMILL_TIERS") or "store"):
    HOME = str(torch_home())
    sys.path.append(HOME)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), HOME]))
else:
    collect_ignore_glob.append("*")
