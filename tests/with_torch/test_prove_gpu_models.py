"""The parts of `make prove-gpu` with models, rehearsed with the CPU in place of the GPU."""

from pathlib import Path

import pytest

from prove_gpu.case import Outcome
from prove_gpu.models import RUNS

pytestmark = pytest.mark.store


@pytest.mark.parametrize("name", RUNS)
def test_044_f07_a_device_gives_the_cpus_numbers(name: str, tmp_path: Path) -> None:
    cases = list(RUNS[name](tmp_path, "cpu"))
    assert {case.part for case in cases} == {name}
    assert {case.outcome for case in cases} == {Outcome.PASSED}, cases
    assert all(case.numbers["largest"] <= 0.1 for case in cases)
