"""Workers are spread over the GPUs that a pod has."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import toy_line as toy

from reelmill.contract.task_parts.shard_limits import ShardLimits
from reelmill.processes.start_method import StartMethod

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
@pytest.mark.parametrize("start_workers", [StartMethod.SPAWN], indirect=True, ids=str)  # they have a path of their own
def test_000_f10_workers_are_as_many_as_asked_and_take_turns_at_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "pynvml.py").write_text(LIBRARY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "library"), prepend=":")
    (tmp_path / "trace").mkdir()
    line = toy.Line(tmp_path, limits=ShardLimits(workers=4, item_timeout=600))
    line.stage("which", "WhichGpu", trace=str(tmp_path / "trace"), workers=4)
    line.stages[0] = line.stages[0].model_copy(update={"type": "toy_gpu:WhichGpu"})
    for number in range(24):
        line.put(f"v{number:02d}")
    line.go()
    told = [path.name.split("-")[0] for path in (tmp_path / "trace").iterdir()]
    assert len(told) == 24
    assert set(told) == {"0", "1"}
    assert min(told.count("0"), told.count("1")) >= 2


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, [(0, "gpu 0"), (1, "gpu 1"), (2, "gpu 2")]),
        ("2,0", [(0, "gpu 2"), (1, "gpu 0")]),
        ("1, GPU-b, 0", [(0, "gpu 1"), (1, "uuid GPU-b"), (2, "gpu 0")]),
        ("0,9,1", [(0, "gpu 0")]),
        ("0,-1,1", [(0, "gpu 0")]),
        ("GPU-gone,1", []),
        ("", []),
    ],
)
def test_the_gpus_that_cuda_may_not_see_are_not_lent(
    tmp_path: Path, visible: str | None, found: list[tuple[int, str]]
) -> None:
    (tmp_path / "pynvml.py").write_text(
        LIBRARY.replace("return 2", "return 3").replace('"symbolic"', "device")
        + "def nvmlDeviceGetHandleByIndex(index): return f'gpu {index}'\n"
        + "def nvmlDeviceGetHandleByUUID(uuid):\n"
        + "    if uuid == 'GPU-gone': raise NVMLError\n"
        + "    return f'uuid {uuid}'\n"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from reelmill_stages.media.gpu import gpus\n"
        "print([(gpu.index, gpu.name) for gpu in gpus()])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    environment |= {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    said = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert ast.literal_eval(said.stdout) == found
