"""What a bug report says about the machine on which a command runs: versions, and names of variables."""

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Any

from reelmill import __version__

SHOWN = ("REELMILL_", "AWS_", "AZURE_", "UV_", "CUDA_", "KUBE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "TMPDIR")
"""Beginnings of the names of variables that are listed, without their values."""


def machine(environment: Mapping[str, str]) -> dict[str, Any]:
    """Versions, the platform, CPUs, and which variables are set."""
    distributions_metadata = [one.metadata for one in distributions()]  # each look parses a file
    packages = {one["Name"]: one["Version"] for one in distributions_metadata if one["Name"]}
    return {
        "reelmill": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": dict(sorted(packages.items())),
        "variables": sorted(name for name in environment if name.upper().startswith(SHOWN)),
    }
