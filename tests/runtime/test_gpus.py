"""Workers are spread over the GPUs that a pod has."""

from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.shard_limits import ShardLimits

LIBRARY = """
class NVMLError(Exception): pass
class _Memory: total = 8 << 30
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlSystemGetDriverVersion(): return "1"
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetMemoryInfo(device): return _Memory
def nvmlDeviceGetName(device): return "symbolic"
"""
"""Stands in for NVIDIA's library on a machine with two GPUs."""


@pytest.mark.store
def test_000_f10_workers_are_as_many_as_asked_and_take_turns_at_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "pynvml.py").write_text(LIBRARY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "library"), prepend=":")
    (tmp_path / "trace").mkdir()
    line = toy.Line(tmp_path, limits=ShardLimits(workers=4, item_timeout=60))
    line.stage("which", "WhichGpu", trace=str(tmp_path / "trace"))
    line.stages[0] = line.stages[0].model_copy(update={"type": "toy_gpu:WhichGpu"})
    for number in range(24):
        line.put(f"v{number:02d}")
    line.go()
    told = [path.name.split("-")[0] for path in (tmp_path / "trace").iterdir()]
    assert len(told) == 24
    assert set(told) == {"0", "1"}
    assert min(told.count("0"), told.count("1")) >= 4
