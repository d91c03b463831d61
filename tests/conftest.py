"""Plugins of the suite, profiles of hypothesis, and bytecode; `--hypothesis-profile thorough` searches longer.

Most of the time of a new interpreter is compiling, if it may not keep the result. Tests start hundreds, and so keep it:
outside of the sources, as an installer does for a package.
"""

import os
import sys

from hypothesis import settings

from tools.cache import CACHE

pytest_plugins = ["tiers", "servers.s3_servers", "servers.azurite", "cluster.fixtures"]

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("quick")

# A report costs a second or more; the tests of reports ask for them.
os.environ.setdefault("REELMILL_RUN_REPORTS", "false")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(CACHE / "bytecode"))
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
