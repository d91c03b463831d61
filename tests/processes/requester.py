"""A process that asks a template for a process, and waits: `requester.py TARGET PID_FILE SIGNAL`. What tests kill."""

import os
import sys
import time

from reelmill.processes.forked import OwnedTemplate

with OwnedTemplate(os.environ) as template:
    target, pid_file, number = sys.argv[1:]
    child = template.start(target, pid_file, environment=os.environ, stderr=2, number=int(number))
    print(template.pid, flush=True)
    time.sleep(600)
