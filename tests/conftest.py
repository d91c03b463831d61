"""Plugins of the suite, profiles of hypothesis, bytecode, temporary folder, and the garbage collector.

Generated examples are the same in every run, so that a tree that passed passes again, on a slow machine too;
`--hypothesis-profile thorough` draws more, and others each time.

Most of the time of a new interpreter is compiling, if it may not keep the result. Tests start hundreds, and so keep it:
outside of the sources, as an installer does for a package.

What is collected lives until the end: thousands of tests, and all that they import. A third of the time of the
collection was the garbage collector, which went through them again and again and found nothing. It begins with what
the tests themselves make.
"""

import gc
import os
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from temporary_folder import use_memory
from tools.cache import CACHE

pytest_plugins = [
    "tiers",
    "leftovers",
    "servers.s3_servers",
    "servers.azurite",
    "servers.gcs",
    "servers.web_server",
    "cluster.fixtures",
]

pytest.register_assert_rewrite("workshop")  # it compares stores: what differs is told

ANY_SPEED: Mapping[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=40, derandomize=True, **ANY_SPEED)
settings.register_profile("thorough", max_examples=1000, derandomize=False, **ANY_SPEED)
settings.load_profile("quick")

# A report costs a second or more; the tests of reports ask for them.
os.environ.setdefault("REELMILL_RUN_REPORTS", "false")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(CACHE / "bytecode"))
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
use_memory()

gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    if config.getoption("dist") != "loadfile":
        return None
    from scheduling import FolderOrFile

    return FolderOrFile(config, log)
