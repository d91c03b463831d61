"""Runs a pickled `Line` to its end, as a process of its own: what tests kill. Its workers are forked, or spawned."""

import os
import pickle
import sys
from pathlib import Path

import toy_line  # noqa: F401 - the pickle needs it

from reelmill.processes.forked import lend
from reelmill.processes.step_template import warm_template

if __name__ == "__main__":
    line = pickle.loads(Path(sys.argv[1]).read_bytes())
    with warm_template(os.environ) as template:
        lend(template)
        line.go()
