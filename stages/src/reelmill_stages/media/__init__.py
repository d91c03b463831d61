"""Reading, cutting and decoding of video files. Public for custom stages: `probe` and the types that it returns.

    from reelmill_stages.media import probe

The modules of this package are private: import from the package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelmill_stages.media.container.probe import AudioStream, Probe, VideoStream, probe
else:
    from reelmill_stages.lazy import lazy

    __getattr__ = lazy(__name__, {"reelmill_stages.media.container.probe": "AudioStream Probe VideoStream probe"})

__all__ = ["AudioStream", "Probe", "VideoStream", "probe"]
