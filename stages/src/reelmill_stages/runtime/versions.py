"""Versions of what runs, as plans and segments record them."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "reelmill",
    "reelmill-stages",
    "av",
    "numpy",
    "imageio-ffmpeg",
    "webdataset",
    "scenedetect",
    "pillow",
    "torch",
)


def versions() -> dict[str, str]:
    """Package -> version, of those that are installed; nothing is imported."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
