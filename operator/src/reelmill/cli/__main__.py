"""`python -m reelmill.cli`. Where `-P` is left out, the current folder is taken off Python's path before all else."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]

from reelmill.cli import main

main()
