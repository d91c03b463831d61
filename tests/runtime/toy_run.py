"""Runs a pickled `Line` to its end, as a process of its own: what tests kill."""

import pickle
import sys
from pathlib import Path

import toy_line  # noqa: F401 - the pickle needs it

if __name__ == "__main__":
    line = pickle.loads(Path(sys.argv[1]).read_bytes())
    line.go()
