"""What made a sample: versions that may change its bytes."""

from functools import cache
from importlib.metadata import version

import av


@cache
def versions() -> dict[str, str]:
    """Names and versions of reelmill and of the libraries that decode and scale."""
    libraries = {name: ".".join(map(str, av.library_versions[name])) for name in ("libavcodec", "libswscale")}
    return {"reelmill": version("reelmill-stages"), "av": av.__version__, **libraries}
