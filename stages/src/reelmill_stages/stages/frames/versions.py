"""Versions that may affect the content of a sample."""

from functools import cache
from importlib.metadata import version

import av


@cache
def versions() -> dict[str, str]:
    """Name -> version of reelmill and of the libraries for decoding and scaling."""
    libraries = {name: ".".join(map(str, av.library_versions[name])) for name in ("libavcodec", "libswscale")}
    return {"reelmill": version("reelmill-stages"), "av": av.__version__, **libraries}
