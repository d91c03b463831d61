"""A machine with a GPU, made of two libraries: `driver.c` in place of NVIDIA's driver, and a module `pynvml`.

What runs against it is the real code of reelmill, PyAV and FFmpeg, in a process of its own. See driver.c for the
variables that choose what the decoder does.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

COMPILER = shutil.which("cc")
"""None: there is none, and nothing of this can be used."""

NVML = """
import os
class NVMLError(Exception): pass
class NVMLError_NotFound(NVMLError): pass
class _Some:
    def __init__(self, **values): self.__dict__.update(values)
def nvmlInit():
    if os.environ.get("FAKE_NVML") == "absent": raise NVMLError("driver not loaded")
def nvmlShutdown(): pass
def nvmlSystemGetDriverVersion(): return "580.1"
def nvmlDeviceGetCount(): return 1
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetName(device): return os.environ.get("FAKE_NVML_NAME", "NVIDIA L4")
def nvmlDeviceGetMemoryInfo(device): return _Some(total=24 << 30, used=1 << 30)
def nvmlDeviceGetCudaComputeCapability(device):
    return tuple(map(int, os.environ.get("FAKE_NVML_CAPABILITY", "8.9").split(".")))
def nvmlDeviceGetUtilizationRates(device): return _Some(gpu=int(os.environ.get("FAKE_NVML_BUSY", "0")))
def nvmlDeviceGetDecoderUtilization(device): return [int(os.environ.get("FAKE_NVML_DECODER", "0")), 1000]
def nvmlDeviceGetEncoderUtilization(device): return [0, 1000]
def nvmlDeviceGetProcessUtilization(device, since): return []
"""


@cache
def _library() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fake-cuda-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    source = Path(__file__).with_name("driver.c")
    command = [str(COMPILER), "-shared", "-fPIC", "-O1", "-o", str(folder / "libcuda.so.1"), str(source)]
    subprocess.run(command, check=True)
    shutil.copyfile(folder / "libcuda.so.1", folder / "libnvcuvid.so.1")
    (folder / "pynvml.py").write_text(NVML)
    return folder


def environment(**more: str) -> dict[str, str]:
    """Variables for a process on that machine."""
    folder = str(_library())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FAKE_", "CUDA_"))}
    path = os.pathsep.join([folder, str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return {**kept, "LD_LIBRARY_PATH": folder, "PYTHONPATH": path, **more}


def python(program: str, *arguments: str, **more: str) -> str:
    """What a Python program prints there."""
    said = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(**more), check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-2000:]
    return said.stdout
