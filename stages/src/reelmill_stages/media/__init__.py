"""Everything that understands video files. Public for stages of one's own: `probe` and what it returns.

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
