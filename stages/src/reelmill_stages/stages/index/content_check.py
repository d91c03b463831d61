"""Checks of `check: full`: the content of samples, by the rules of their trainer.

The json must be valid, images must be decodable and match the json, and packed tokens must be consistent. Rules apply
only to fields that exist.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from reelmill.contract.text.quantities import count_of
from reelmill_stages.tar.samples import IMAGES, Sample, TarProblem
from reelmill_stages.tar.walk import read_member
from reelmill_stages.tokens.rules import PackRules, broken
from reelmill_stages.untrusted.images import image_fault
from reelmill_stages.untrusted.nested import load_json

PLACEHOLDERS = ("<image>", "<Iimage>", "<Pimage>")


class Payloads:
    """Reads parts of samples from one tar."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")

    def read(self, sample: Sample, part: str) -> bytes:
        """The content of a part."""
        return read_member(self._file, sample.parts[part])

    def close(self) -> None:
        self._file.close()


def wrong(sample: Sample, payloads: Payloads, shape: PackRules) -> Iterator[TarProblem]:
    """Yield the rules that the content of a sample breaks; `shape` is the expected shape of packs of tokens."""
    for part in sample.parts:
        last = part.rpartition(".")[2]
        if last == "json":
            yield from _check_json(sample, part, payloads.read(sample, part), shape)
        elif last in IMAGES:
            yield from _check_image(sample, part, payloads.read(sample, part))


def fields(sample: Sample, payloads: Payloads) -> dict[str, Any]:
    """The fields in the json of a sample; empty if there is no valid json."""
    if "json" not in sample.parts:
        return {}
    try:
        read = load_json(payloads.read(sample, "json"))
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _check_json(sample: Sample, part: str, data: bytes, shape: PackRules) -> Iterator[TarProblem]:
    try:
        read = load_json(data)
    except ValueError as error:
        yield TarProblem("json", f"part {part!r} of sample {sample.key} is not valid JSON: {error}")
        return
    if part == "json" and isinstance(read, dict):
        yield from _check_listed_images(sample, read)
        yield from broken(sample.key, read, tuple(sample.parts), shape)


def _check_image(sample: Sample, part: str, data: bytes) -> Iterator[TarProblem]:
    if words := image_fault(data):
        yield TarProblem("image", f"part {part!r} of sample {sample.key} cannot be decoded: {words}")


def _check_listed_images(sample: Sample, read: Mapping[str, Any]) -> Iterator[TarProblem]:
    names = read.get("image_name_list")
    if not isinstance(names, list):
        return
    images = {part.rpartition(".")[0] for part in sample.parts if part.rpartition(".")[2] in IMAGES}
    for name in names:
        if str(name).rpartition("-")[2] not in images:
            yield TarProblem("image_missing", f"sample {sample.key} lists the image {name!r}, which is missing")
            return
    prompt = read.get("prompt")
    if isinstance(prompt, str):
        count = sum(prompt.count(word) for word in PLACEHOLDERS)
        if count != len(names):
            yield TarProblem(
                "image_count",
                f"sample {sample.key} has {count_of(len(names), 'image')}, but {count} placeholders in its prompt",
            )
