"""`python -m reelmill.cli`. Without `-P`, the current folder is first removed from Python's path."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]

from reelmill.cli import main

main()
