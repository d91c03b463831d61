"""Inspection of a tar's structure: number and offsets of samples, and broken rules. Payloads are not read."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reelmill.contract.counters import StageCounter
from reelmill_stages.tar.samples import Sample, SeenKeys, TarProblem, broken, samples
from reelmill_stages.tar.walk import BadTar, Walk, walk


@dataclass(slots=True)
class Contents:
    """The content of a tar.

    `count` is the number of samples for the reader of the packing pipeline, and also for webdataset unless `dashed`.
    `offsets` and `end` are the content of a `.tar.idx`, in bytes.
    """

    count: int = 0
    dashed: bool = False
    end: int = 0
    offsets: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    first: list[tuple[str, ...]] = field(default_factory=list)
    """Names of the parts of the first samples."""
    problems: list[TarProblem] = field(default_factory=list)
    noted: Counter[str] = field(default_factory=Counter)
    """Remarks that affect no reader.

    These are members without key and extension, which readers skip (`no_extension`), and parts without bytes
    (`empty_part`).
    """

    @property
    def remarks(self) -> str:
        """`noted` as text; empty if there is nothing."""
        return ", ".join(f"{_WORDS[rule]}: {count}" for rule, count in sorted(self.noted.items()))


_WORDS: dict[str, str] = {
    StageCounter.NO_EXTENSION: "members without key and extension (skipped)",
    StageCounter.EMPTY_PART: "empty parts",
}

FIRST = 5
"""Number of samples from which Hugging Face determines the columns."""


def contents(path: Path, visit: Callable[[Sample], None] | None = None) -> Contents:
    """Inspect a tar; errors are in `problems`, BadTar is never raised. `visit` is called with every sample."""
    what = Contents()
    keys = SeenKeys()
    left = Walk()
    try:
        for sample in samples(walk(path, left), what.problems, what.noted):
            what.count += 1
            what.dashed |= sample.dashed
            what.offsets.append(sample.offset)
            what.keys.append(sample.key)
            if len(what.first) < FIRST:
                what.first.append(sample.names)
            if keys.recurs(sample.key):
                what.problems.append(
                    TarProblem("split_key", f"sample {sample.key} occurs twice: its parts must follow each other")
                )
            what.problems.extend(broken(sample))
            if empty := sum(not member.size for member in sample.parts.values()):
                what.noted[StageCounter.EMPTY_PART] += empty
            if visit is not None:
                visit(sample)
    except BadTar as error:
        what.problems.append(TarProblem(error.rule, error.problem))
    else:
        if not what.count:
            what.problems.append(TarProblem("empty", "the tar has no samples"))
    what.end = left.end
    return what
