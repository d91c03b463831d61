"""The samples of a tar: their json and images, or the reason why they cannot be used."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.stages.tokenize.turns import Turn, turns_of
from reelmill_stages.tar.buffered_reads import BufferedReads
from reelmill_stages.tar.samples import Sample, samples
from reelmill_stages.tar.walk import Member, payload, walk_reads
from reelmill_stages.untrusted.nested import load_json


class UsableSample(NamedTuple):
    """A valid sample: `images` are the members with its images, in order."""

    place: int
    key: str
    turns: list[Turn]
    images: tuple[Member, ...]


class UnusableSample(NamedTuple):
    """A sample that cannot be used."""

    place: int
    key: str
    error: ItemError


def read_samples(tar: BufferedReads) -> Iterator[UsableSample | UnusableSample]:
    """All samples of a tar, in order. Raises BadTar for an invalid tar."""
    for place, sample in enumerate(samples(walk_reads(tar, tar.total))):
        try:
            fields = _json_fields(tar, sample)
            images = _images(sample, fields)
            yield UsableSample(place, sample.key, turns_of(fields, len(images)), images)
        except ItemError as error:
            yield UnusableSample(place, sample.key, error)


def _json_fields(tar: BufferedReads, sample: Sample) -> dict[str, Any]:
    if "json" not in sample.parts:
        raise ItemError(ItemReason.NO_JSON, f"it has no json: {', '.join(sample.names)}")
    try:
        found = load_json(payload(tar, sample.parts["json"]))
    except ValueError as error:
        raise ItemError(ItemReason.BAD_JSON, f"its json cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ItemError(ItemReason.BAD_JSON, "its json is not an object")
    return found


def _images(sample: Sample, fields: dict[str, Any]) -> tuple[Member, ...]:
    names = fields.get("image_name_list", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ItemError(ItemReason.BAD_JSON, "its image_name_list is not a list of names")
    if not names and "mp4" in sample.parts:
        raise ItemError(
            ItemReason.NO_IMAGES, "it contains a whole video: pack with the sampler un or kf to get images of it"
        )
    return tuple(_image(sample, name) for name in names)


def _image(sample: Sample, name: str) -> Member:
    place = name.rpartition("-")[2]
    for suffix in ("jpg", "jpeg", "png"):
        if member := sample.parts.get(f"{place}.{suffix}"):
            return member
    raise ItemError(ItemReason.IMAGE_MISSING, f"it lists {name!r}, but has no such image")
