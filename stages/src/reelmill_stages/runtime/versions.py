"""Versions of the installed packages, for plans and segments."""

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
    "opencv-python-headless",
    "onnxruntime",
    "torch",
)


def versions() -> dict[str, str]:
    """Package -> version, for the installed packages, without importing them."""
    return dict(_VERSIONS)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


_VERSIONS = _versions()
"""Read from files at import: once for all processes that are forked from a template."""
