"""The environment of a program that reads foreign bytes: what it needs to start, and nothing else.

A decoder that a file takes over must not find the store's keys, the step's Task, or whatever else this process was
given. So it gets what is on a list, not all but what looks secret.
"""

from collections.abc import Mapping

ALLOWED = frozenset(
    {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LANGUAGE",
        "TZ",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
    }
)
"""By name; beside them whatever begins with `LC_`."""


def reduced(environment: Mapping[str, str], *, python: bool = False) -> dict[str, str]:
    """The variables that are on the list; `python`: with those of Python itself, such as `PYTHONPATH`."""
    beginnings = ("LC_", "PYTHON") if python else ("LC_",)
    return {name: value for name, value in environment.items() if name in ALLOWED or name.startswith(beginnings)}
