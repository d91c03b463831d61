"""Lets `toy_line` and `toy_stages` be imported by the tests beside them, and says how their workers are started.

Steps run in the process of the tests, and fork their workers from one template. Tests of what goes wrong in workers run
twice: their workers are spawned, too, as in pods.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import toy_line  # noqa: F401 - puts the toy stages on the path of other processes

from reelmill.processes.forked import OwnedTemplate, lend
from reelmill.processes.start_method import ENV, StartMethod
from reelmill.processes.step_template import warm_template

FAULTS = ("test_broken_items", "test_exhausted_items", "test_kill", "test_pool")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if Path(metafunc.module.__file__ or "").stem in FAULTS:
        metafunc.parametrize("start_workers", list(StartMethod), indirect=True, ids=str)


@pytest.fixture(scope="session")
def template() -> Iterator[OwnedTemplate | None]:
    with warm_template(os.environ) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def _lent(template: OwnedTemplate | None) -> Iterator[None]:
    """What a module's own fixtures run is forked, too."""
    lend(template)
    yield
    lend(None)


@pytest.fixture(autouse=True)
def start_workers(
    request: pytest.FixtureRequest, template: OwnedTemplate | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StartMethod]:
    """How this test's workers are started."""
    method: StartMethod = getattr(request, "param", StartMethod.FORK)
    monkeypatch.setenv(ENV, method)
    lend(template if method is StartMethod.FORK else None)
    yield method
    lend(template)
