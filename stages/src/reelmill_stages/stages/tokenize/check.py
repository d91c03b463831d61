"""`reelmill check` for packed tokens: verifies every pack by the rules of its trainer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding, unreadable
from reelmill_stages.tar.samples import IMAGES, Sample, TarProblem, samples
from reelmill_stages.tar.walk import BadTar, read, walk
from reelmill_stages.tokens.rules import PackRules, broken
from reelmill_stages.untrusted.images import image_fault
from reelmill_stages.untrusted.nested import load_json

FORMAT = "tokens"
ABOUT = "tokens.json"
RULES = (
    "about", "no_pack", "json", "ids", "mask_length", "mask_values", "mask_symbols", "too_long", "image_borders",
    "image_patches", "image_blocks", "image_names", "image_missing", "image", "bos", "document_offsets", "text_count",
    "position_ids",
)  # fmt: skip
"""All rules for packs."""


class TokensCheck:
    """The check for a folder of packs."""

    def detect(self, folder: Path) -> bool:
        if (folder / ABOUT).is_file():
            return True
        first = next(_tars(folder), None)
        return first is not None and "input_ids" in _first_fields(first)

    def check(self, folder: Path) -> Iterator[Finding]:
        shape = PackRules()
        if (folder / ABOUT).is_file():
            try:
                shape = PackRules.from_json(load_json((folder / ABOUT).read_bytes()))
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                yield Finding(ABOUT, "about", False, f"the format of the packs cannot be read: {unreadable(error)}")
        for path in _tars(folder):
            yield from _check_tar(path, path.relative_to(folder).as_posix(), shape)


def _tars(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.tar")) if "_reelmill" not in path.relative_to(folder).parts)


def _first_fields(tar: Path) -> dict[str, Any]:
    try:
        sample = next(samples(walk(tar)), None)
        found = load_json(read(tar, sample.parts["json"])) if sample else {}
    except (BadTar, KeyError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _check_tar(path: Path, name: str, shape: PackRules) -> Iterator[Finding]:
    packs = tokens = wrong = 0
    try:
        for sample in samples(walk(path)):
            fields, problems = _read_pack(path, sample, shape)
            packs += 1
            tokens += len(fields.get("input_ids", ()))
            for problem in problems:
                wrong += 1
                yield Finding(name, problem.rule, False, problem.message)
    except BadTar as error:
        yield Finding(name, error.rule, False, error.problem)
        return
    if not wrong:
        yield Finding(name, "packs", True, f"{count_of(packs, 'pack')}, {count_of(tokens, 'token')}")


def _read_pack(path: Path, sample: Sample, shape: PackRules) -> tuple[dict[str, Any], list[TarProblem]]:
    key = sample.key
    try:
        fields = load_json(read(path, sample.parts["json"]))
    except KeyError:
        return {}, [TarProblem("no_pack", f"sample {key} has no json part")]
    except ValueError as error:
        return {}, [TarProblem("json", f"the json of pack {key} is not valid JSON: {error}")]
    if not isinstance(fields, dict) or "input_ids" not in fields:
        return {}, [TarProblem("no_pack", f"sample {key} has no input_ids")]
    problems = list(broken(key, fields, tuple(sample.parts), shape))
    for part, member in sample.parts.items():
        if part.rpartition(".")[2] in IMAGES and (words := image_fault(read(path, member))):
            problems.append(TarProblem("image", f"part {part!r} of pack {key} cannot be decoded: {words}"))
    if not isinstance(fields["input_ids"], list):
        fields = {}
    return fields, problems
