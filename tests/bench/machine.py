"""An anonymous description of the machine that a benchmark ran on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import av

from reelmill_stages.media.ffmpeg import binary


def describe() -> dict[str, str]:
    """The properties that a reader needs to judge the numbers."""
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    return {
        "CPU": _cpu(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{_system()}, {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PyAV": f"{av.__version__} with libavcodec {codec}",
        "ffmpeg": binary().banner.removeprefix("ffmpeg version ").split(" Copyright")[0],
        "webdataset": version("webdataset"),
        "minio-py": version("minio"),
    }


def load() -> str:
    """Load average of the last minute, if the system provides it."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)
