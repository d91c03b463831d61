"""Plugins of the suite, hypothesis profiles, bytecode, temporary folder, and the garbage collector.

Generated examples are the same in every run, so results are reproducible, even on a slow machine.
`--hypothesis-profile thorough` draws more examples, and different ones each time; `few` is for other
versions of Python.

A new interpreter spends most of its time compiling if bytecode is not cached. Tests start hundreds of interpreters, so
they cache bytecode outside of the sources.

Collected tests and their imports are kept until the end. The garbage collector used a third of the collection time to
scan them without result, so it starts after the collection. It then runs after more new objects than by default: tests
that parse all sources spent three quarters of their time in it.
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

pytest.register_assert_rewrite("workshop")  # it compares stores; assertion rewriting shows the differences

ANY_SPEED: Mapping[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=40, derandomize=True, **ANY_SPEED)
settings.register_profile("few", max_examples=10, derandomize=True, **ANY_SPEED)
settings.register_profile("thorough", max_examples=1000, derandomize=False, **ANY_SPEED)
settings.load_profile("quick")

# A report takes a second or more; only tests of reports enable it.
os.environ.setdefault("REELMILL_RUN_REPORTS", "false")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(CACHE / "bytecode"))
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
use_memory()

gc.disable()


GARBAGE = 50_000
"""New objects after which the garbage collector looks at them."""


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from scheduling import longest_first

        items[:] = longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    if config.getoption("dist") not in ("load", "loadfile"):
        return None
    from scheduling import FolderOrFile

    return FolderOrFile(config, log)
