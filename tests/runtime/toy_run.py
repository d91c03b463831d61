"""Runs a pickled `Line` to its end, as `reelmill run` does: in a process that tests kill as a whole, workers included.

Its steps have the process on record, so a kill never counts against the items that were being processed.
"""

import os
import pickle
import sys
from pathlib import Path

import toy_line  # noqa: F401 - the pickle needs it

from reelmill.contract.task import RUN_PID_ENV
from reelmill.processes.forked import lend
from reelmill.processes.step_template import warm_template

if __name__ == "__main__":
    os.environ[RUN_PID_ENV] = str(os.getpid())
    line = pickle.loads(Path(sys.argv[1]).read_bytes())
    with warm_template(os.environ) as template:
        lend(template)
        line.go()
