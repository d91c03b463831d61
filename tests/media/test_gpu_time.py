"""Seconds of GPUs are the sum of samples of their utilisation; where there is none, nothing is known."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.usage import Usage
from reelmill_stages.media.gpu_time import GpuTime, GpuWork


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_samples_add_up_to_busy_seconds() -> None:
    time, busy = Time(), iter([GpuWork(1.5, 0.5), GpuWork(0.5, 0.0), GpuWork(0.0, 0.0)])
    gpu = GpuTime(lambda: next(busy), time)
    for time.now in (0.5, 1.0, 1.5, 2.0, 4.0):
        gpu.tick()
    assert gpu.take() == Usage(gpu_seconds=1.5 * 1.0 + 0.5 * 1.0 + 0.0 * 2.0, gpu_decoder_seconds=0.5 * 1.0)
    assert gpu.take() == Usage()


def test_without_a_gpu_nothing_is_known_and_nobody_asks_again() -> None:
    time, asked = Time(), []

    def busy() -> None:
        asked.append(time.now)

    gpu = GpuTime(busy, time)
    for time.now in (1.0, 2.0, 3.0):
        gpu.tick()
    assert gpu.take() == Usage()
    assert asked == [1.0]


@given(
    st.lists(st.tuples(st.floats(0.1, 5.0), st.floats(0.0, 8.0), st.booleans()), max_size=30),
)
def test_however_often_the_seconds_are_taken_their_sum_is_the_same(steps: list[tuple[float, float, bool]]) -> None:
    def total(takes: bool) -> float:
        time, found = Time(), 0.0
        busy = {"now": 0.0}
        gpu = GpuTime(lambda: GpuWork(busy["now"], busy["now"] / 2), time)
        for seconds, busy["now"], taken in steps:
            time.now += seconds
            gpu.tick()
            if takes and taken:
                found += seconds_of(gpu.take())
        return found + seconds_of(gpu.take())

    def seconds_of(usage: Usage) -> float:
        assert (usage.gpu_seconds or 0.0) == pytest.approx(2 * (usage.gpu_decoder_seconds or 0.0))
        return usage.gpu_seconds or 0.0

    assert total(takes=True) == pytest.approx(total(takes=False))


LIBRARY = """
import json, os
class NVMLError(Exception): pass
class NVMLError_NotFound(NVMLError): pass
class Some:
    def __init__(self, **values): self.__dict__.update(values)
told = json.loads(os.environ["TOLD"])
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return len(told)
def nvmlDeviceGetHandleByIndex(index): return told[index]
def of(device, name):
    if device.get(name) is None: raise NVMLError("not supported")
    return device[name]
def nvmlDeviceGetUtilizationRates(device): return Some(gpu=of(device, "compute"))
def nvmlDeviceGetDecoderUtilization(device): return [of(device, "decoder"), 100]
def nvmlDeviceGetEncoderUtilization(device): return [of(device, "encoder"), 100]
def nvmlDeviceGetProcessUtilization(device, since):
    if not device["processes"]: raise NVMLError_NotFound
    names = ("timeStamp", "pid", "smUtil", "decUtil", "encUtil")
    return [Some(**dict(zip(names, sample))) for sample in device["processes"]]
"""
"""Stands in for NVIDIA's library, with the utilisation of each GPU in per cent."""


def asked(folder: Path, call: str, *told: dict[str, Any], visible: str | None = None) -> list[float] | None:
    (folder / "pynvml.py").write_text(LIBRARY)
    program = f"import json; from reelmill_stages.media.gpu_time import *; print(json.dumps({call}))"
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    environment |= {"PYTHONPATH": str(folder), "TOLD": json.dumps(told)}
    environment |= {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    said = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    found: list[float] | None = json.loads(said.stdout)
    return found


def test_044_f08_the_busiest_engine_of_each_gpu_counts_and_its_decoder_alone_and_gpus_add_up(tmp_path: Path) -> None:
    decoding = {"compute": 10, "decoder": 80, "encoder": 0}
    computing = {"compute": 45, "decoder": 0, "encoder": 20}
    assert asked(tmp_path, "of_devices()", decoding, computing) == pytest.approx([1.25, 0.8])
    assert asked(tmp_path, "of_devices()", decoding, computing, visible="1") == pytest.approx([0.45, 0.0])


def test_a_gpu_that_does_not_tell_is_not_counted_as_idle(tmp_path: Path) -> None:
    assert asked(tmp_path, "of_devices()", {"compute": 10, "decoder": None, "encoder": 0}) is None


@pytest.mark.store
def test_of_processes_the_latest_sample_counts_and_a_gpu_is_never_more_than_busy(tmp_path: Path) -> None:
    samples = [[2, 7, 30, 60, 0], [1, 7, 99, 99, 0], [2, 8, 20, 0, 0], [2, 9, 90, 0, 0]]
    assert asked(tmp_path, "of_processes({7, 8})", {"processes": samples}) == pytest.approx([0.8, 0.6])
    busy = asked(tmp_path, "of_processes({7, 9})", {"processes": samples}, {"processes": []})
    assert busy == pytest.approx([1.0, 0.6])
    assert asked(tmp_path, "of_processes({5})", {"processes": samples}) == [0.0, 0.0]
