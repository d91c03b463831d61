"""Decoding on a GPU: skipping of unsupported streams, and the meaning of failures.

FFmpeg decodes with NVDEC within its regular decoders, except for AV1: its preferred decoder (dav1d) cannot, so a
separate context is created for the stream.
"""

from functools import cache
from typing import cast

import av
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.gpus import nvdec
from reelmill_stages.media.decoding.delivery import Damaged
from reelmill_stages.media.gpu import compute_capability
from reelmill_stages.media.gpu_fallback import GpuFallback, fallback
from reelmill_stages.media.timeline.timeline import Timeline

ERRORS = (av.FFmpegError, Damaged, ItemError, NotImplementedError, RuntimeError, ValueError)
"""Errors of a GPU after which the CPU is tried."""
APART = frozenset({"av1"})
"""Codecs that FFmpeg decodes on GPUs with another decoder than on CPUs."""

_capability = cache(compute_capability)


def refused(gpu: int, timeline: Timeline) -> GpuFallback | None:
    """Return why the GPU with this index is not tried for a stream; None: it may support it.

    The GPU is tried if the table of `contract.gpus.nvdec` lacks its generation, or if only some GPUs of its generation
    support the codec.
    """
    codec, form = timeline.codec, timeline.form
    if codec in APART and timeline.shape.turned:
        return GpuFallback(
            StageCounter.GPU_FALLBACK_OTHER,
            f"the decoder of {codec} on GPUs is not told that the container turns pictures",
        )
    found = nvdec.of_capability(_capability(gpu) or "")
    if found is None or codec in found.on_some:
        return None
    limits = found.codecs.get(codec)
    if limits is None:
        return GpuFallback(StageCounter.GPU_FALLBACK_CODEC, f"GPUs of {found.name} have no decoder for {codec}")
    if form.sampling and form.sampling not in limits.formats:
        wanted = f"{codec} with {form.sampling} bits"
        return GpuFallback(StageCounter.GPU_FALLBACK_PROFILE, f"GPUs of {found.name} have no decoder for {wanted}")
    if form.width and not limits.holds(form.width, form.height):
        size = f"{form.width}x{form.height} pixels of {codec}"
        return GpuFallback(StageCounter.GPU_FALLBACK_SIZE, f"GPUs of {found.name} do not decode {size}")
    return None


def failure(error: BaseException, messages: list[str], timeline: Timeline) -> GpuFallback:
    """Return why a GPU did not decode a stream, from the error and FFmpeg's earlier messages."""
    ordinary = timeline.form.sampling in ("", nvdec.ORDINARY)
    found = fallback([*messages, str(error)], ordinary=ordinary)
    if found.counter is not StageCounter.GPU_FALLBACK_OTHER:
        return found
    if not ordinary and isinstance(error, av.FFmpegError):
        return GpuFallback(StageCounter.GPU_FALLBACK_PROFILE, found.message)
    if isinstance(error, Damaged | ItemError | av.FFmpegError):
        return GpuFallback(StageCounter.GPU_FALLBACK_FRAMES, found.message)
    return found


def device(gpu: int) -> HWAccel:
    """Return the GPU with this index, for decoding."""
    return HWAccel("cuda", device=str(gpu), allow_software_fallback=False)


def apart(stream: VideoStream, codec: av.Codec, hwaccel: HWAccel | None) -> VideoCodecContext:
    """Create a decoder for a stream, separate from its container's choice.

    Raises NotImplementedError if it does not support GPUs.
    """
    context = cast(VideoCodecContext, av.CodecContext.create(codec, hwaccel=hwaccel))
    if hwaccel is not None and not context.is_hwaccel:
        raise NotImplementedError(f"no supported hardware for {codec.name}")
    context.extradata = stream.codec_context.extradata
    context.width, context.height = stream.codec_context.width, stream.codec_context.height
    # PyAV sets the GPU's format, which FFmpeg's AV1 decoder takes as a sign that the GPU is already set up.
    context.pix_fmt = stream.codec_context.pix_fmt or "yuv420p"
    return context
