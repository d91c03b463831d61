"""The environment of programs that read untrusted bytes: only variables that they need to start.

A decoder that was taken over by a file must not find the store's keys, the step's Task, or other variables of this
process. Therefore variables are selected by an allow list, not removed by a list of secrets.
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
"""Allowed names; names that begin with `LC_` are allowed as well."""


def reduced(environment: Mapping[str, str], *, python: bool = False) -> dict[str, str]:
    """Return the allowed variables; with `python`, also those of Python, such as `PYTHONPATH`."""
    beginnings = ("LC_", "PYTHON") if python else ("LC_",)
    return {name: value for name, value in environment.items() if name in ALLOWED or name.startswith(beginnings)}
