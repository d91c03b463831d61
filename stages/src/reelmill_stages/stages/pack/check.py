"""`reelmill check` for tars: verifies that common readers can open a folder of tars and see the same samples.

The rules are those of four readers: webdataset, the reader of the packing pipeline, Megatron Energon and Hugging Face.
Only headers are read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.text.quantities import count_of
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.pack.check_energon import energon_problems
from reelmill_stages.stages.pack.check_huggingface import columns, readme
from reelmill_stages.tar.inspect import Contents, contents
from reelmill_stages.tar.samples import TarProblem

FORMAT = "tars"
PACKS = "tokens.json"
"""Name of the file next to packs of tokens."""
STOCK = "webdataset"
PATCHED = "packing_reader"
RULES: Mapping[str, str] = {
    "empty_file": STOCK,
    "compressed": STOCK,
    "truncated": STOCK,
    "corrupt_header": STOCK,
    "empty": STOCK,
    "upper_case": PATCHED,
    "duplicate_part": STOCK,
    "split_key": STOCK,
    "dotted_key": STOCK,
    "dashed_frames": STOCK,
    "hidden": PATCHED,
    "json_first": PATCHED,
}
"""Rule about the structure of a tar -> the reader that requires it."""


@dataclass(slots=True)
class TarFolder:
    """The content of all tars in a folder, by path relative to it."""

    path: Path
    tars: dict[str, Contents] = field(default_factory=dict)


class TarsCheck:
    """The check for a folder of tars."""

    def detect(self, folder: Path) -> bool:
        return any(True for _ in _tars(folder))

    def check(self, folder: Path) -> Iterator[Finding]:
        seen = TarFolder(folder)
        keys: dict[str, str] = {}
        # Packs of tokens have as many images as fit, and are not meant for Hugging Face.
        columned = not (folder / PACKS).is_file()
        for path in _tars(folder):
            name = path.relative_to(folder).as_posix()
            seen.tars[name] = found = contents(path)
            if found.dashed:
                found.problems.append(
                    TarProblem("dashed_frames", "webdataset makes each image named key-0.jpg a sample: use key.0.jpg")
                )
            yield from _findings(
                name, found.problems, f"{count_of(found.count, 'sample')}{found.remarks and '; ' + found.remarks}"
            )
            yield from _findings(name, [*(columns(found) if columned else ()), *_repeated_keys(name, found, keys)])
        for whole in WHOLE:
            yield from whole(seen)


def _tars(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.tar")) if "_reelmill" not in path.relative_to(folder).parts)


def _findings(file: str, problems: list[TarProblem], good: str = "") -> Iterator[Finding]:
    if not problems and good:
        yield Finding(file, "structure", True, good)
    for problem in problems:
        reader = RULES.get(problem.rule)
        yield Finding(file, problem.rule, False, f"{problem.message} ({reader})" if reader else problem.message)


def _repeated_keys(name: str, found: Contents, keys: dict[str, str]) -> list[TarProblem]:
    """Problems for keys that occur in earlier tars. Keys are moved from the tar to `keys`."""
    other = ""
    for key in found.keys:
        if keys.setdefault(key, name) != name and not other:
            other = f"key {key} also occurs in {keys[key]}: Energon and webdataset require unique keys across tars"
    found.keys.clear()
    return [TarProblem("unique_keys", other)] if other else []


def _energon(seen: TarFolder) -> Iterator[Finding]:
    if not (seen.path / ".nv-meta").is_dir():
        return
    problems = list(energon_problems(seen.path, seen.tars))
    if not problems:
        yield Finding(".nv-meta", "energon", True, "opens in Megatron Energon")
    for file, problem in problems:
        yield from _findings(file, [problem])


def _huggingface(seen: TarFolder) -> Iterator[Finding]:
    problem = readme(seen.path, list(seen.tars))
    if problem:
        yield from _findings("README.md", [problem])
    elif (seen.path / "README.md").exists():
        yield Finding("README.md", "huggingface", True, "opens with datasets.load_dataset")


WHOLE: tuple[Callable[[TarFolder], Iterator[Finding]], ...] = (_energon, _huggingface)
"""Checks of the whole folder."""
