"""What `check: full` looks at: the payloads of a sample, with the rules of the trainer that reads them.

The json must parse, images must decode and be those that the json lists, and packed tokens must be consistent. Only
the rules whose fields are there apply.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from reelmill_stages.tar.image import fault
from reelmill_stages.tar.samples import IMAGES, Sample, TarProblem
from reelmill_stages.tokens.rules import PackRules, broken

PLACEHOLDERS = ("<image>", "<Iimage>", "<Pimage>")


class Payloads:
    """Reads parts of samples from one tar."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")

    def read(self, sample: Sample, part: str) -> bytes:
        """A part's bytes."""
        member = sample.parts[part]
        self._file.seek(member.data)
        return self._file.read(member.size)

    def close(self) -> None:
        self._file.close()


def wrong(sample: Sample, payloads: Payloads, shape: PackRules) -> Iterator[TarProblem]:
    """The rules that the payloads of one sample break; `shape` is what packs of tokens are held against."""
    for part in sample.parts:
        last = part.rpartition(".")[2]
        if last == "json":
            yield from _json(sample, part, payloads.read(sample, part), shape)
        elif last in IMAGES:
            yield from _image(sample, part, payloads.read(sample, part))


def fields(sample: Sample, payloads: Payloads) -> dict[str, Any]:
    """The fields of the sample's json; empty when it has none that can be read."""
    if "json" not in sample.parts:
        return {}
    try:
        read = json.loads(payloads.read(sample, "json"))
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _json(sample: Sample, part: str, data: bytes, shape: PackRules) -> Iterator[TarProblem]:
    try:
        read = json.loads(data)
    except ValueError as error:
        yield TarProblem("json", f"part {part!r} of sample {sample.key} is no JSON: {error}")
        return
    if part == "json" and isinstance(read, dict):
        yield from _listed(sample, read)
        yield from broken(sample.key, read, tuple(sample.parts), shape)


def _image(sample: Sample, part: str, data: bytes) -> Iterator[TarProblem]:
    if words := fault(data):
        yield TarProblem("image", f"part {part!r} of sample {sample.key} does not decode: {words}")


def _listed(sample: Sample, read: Mapping[str, Any]) -> Iterator[TarProblem]:
    names = read.get("image_name_list")
    if not isinstance(names, list):
        return
    images = {part.rpartition(".")[0] for part in sample.parts if part.rpartition(".")[2] in IMAGES}
    for name in names:
        if str(name).rpartition("-")[2] not in images:
            yield TarProblem("image_missing", f"sample {sample.key} lists {name!r} and has no such image")
            return
    prompt = read.get("prompt")
    if isinstance(prompt, str):
        count = sum(prompt.count(word) for word in PLACEHOLDERS)
        if count != len(names):
            yield TarProblem("image_count", f"sample {sample.key} has {len(names)} images and {count} places for them")
