"""The sampler `video_only`: the unchanged video file and a json with its caption or conversation.

The part is always named `mp4`, because trainers expect that name (Hugging Face does not support `webm`, and requires
equal parts in all samples), and decoders detect the container. Other containers are counted.
"""

from pathlib import PurePosixPath
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill_stages.media.timeline.item_span import uncut
from reelmill_stages.sources.objects.folder import MEDIA
from reelmill_stages.stage import File
from reelmill_stages.stages.pack.sample import PackInput, UnkeyedSample
from reelmill_stages.store.web.urls import file_path
from reelmill_stages.tar.payload_copies import link_or_copy

_MP4 = {"mp4", "m4v", "mov", ""}


class VideoOnly:
    """`{"caption", "video_id"}` and `mp4`, or `{"conversations", "videos"}` if the item has a conversation."""

    def __init__(self, block: PackBlock) -> None:
        del block

    def sample(self, clip: PackInput) -> UnkeyedSample:
        media = clip.item.media
        if media is None:
            raise ItemError(ItemReason.NO_MEDIA, f"{clip.item.key} has no file")
        if wrong := uncut(clip.item, "cut it (clip.mode copy), or pack frames (sampler un or kf)"):
            raise wrong
        if media.source and not clip.timeline.pts:
            raise ItemError(ItemReason.NO_FRAMES, f"{clip.item.key} has no visible frame")
        part = File("mp4", link_or_copy(clip.path, clip.scratch / "mp4"))
        container = PurePosixPath(file_path(media.uri)).suffix.lower().removeprefix(".")
        counters = {} if container in _MP4 else {StageCounter.CONTAINER.of(_known_container(container)): 1}
        conversations: Any = clip.item.fields.get("conversations")
        if conversations:
            return UnkeyedSample({"conversations": conversations}, (part,), names_as="videos", counters=counters)
        return UnkeyedSample({"caption": clip.text}, (part,), names_as="video_id", counters=counters)


def _known_container(container: str) -> str:
    """Return a known container name, because names are arbitrary but counters have few fixed words."""
    return container if container in MEDIA else "other"
