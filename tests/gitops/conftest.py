"""Tests with Argo CD's own program are collected only if there is one: compiling it takes ten minutes of CPU time."""

import os

collect_ignore = [] if os.environ.get("REELMILL_ARGOCD") else ["test_argocd_program.py"]
