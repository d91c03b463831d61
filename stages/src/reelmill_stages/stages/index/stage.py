"""The `index` stage: validates tars and lists the valid ones for a trainer.

A tar is valid if both kinds of readers see the samples with which it was packed. An invalid one becomes a failed item
with the broken rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.stages.index import IndexBlock
from reelmill.contract.text.quantities import count_of
from reelmill_stages.item_errors import failed
from reelmill_stages.stage import (
    DataSetReader,
    Done,
    Failed,
    File,
    Input,
    NewItem,
    Result,
    Stage,
    Work,
)
from reelmill_stages.stages.index.content_check import Payloads, wrong
from reelmill_stages.stages.index.index_file import IndexRow, dump, localised, parse, url
from reelmill_stages.stages.index.preview import SAMPLES, is_shown, preview
from reelmill_stages.tar.inspect import Contents, contents
from reelmill_stages.tar.samples import Sample, TarProblem
from reelmill_stages.tokens.rules import PackRules
from reelmill_stages.tokens.tokenizer import Tokenizer, load

NAMED = 3
"""Maximum number of problems in the message of a failed tar; others are counted."""


class IndexStage(Stage):
    """Counts, checks and lists tars."""

    pace = 0.002

    def __init__(self, block: StageBlock) -> None:
        super().__init__(block)
        assert isinstance(block, IndexBlock)
        self._block = block
        self._tokenizers: dict[tuple[str, str], Tokenizer] = {}

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(input_, work) for input_ in group]

    def _process_input(self, input_: Input, work: Work) -> Result:
        item = input_.item
        if item.media is None:
            return Failed(ItemReason.NO_MEDIA, f"{item.key} is not a tar")
        first: list[Sample] = []
        try:
            tar = work.fetch(item.media)
            full = self._block.check == "full"
            found = _examined_tar(tar, first, full=full, shape=_pack_rules(item.fields))
            expected = item.fields.get("samples", found.count)
            if found.count != expected:
                found.problems.append(
                    TarProblem("sample_count", f"{count_of(found.count, 'sample')}, packed were {expected}")
                )
            if found.problems:
                return Failed(ItemReason.BAD_TAR, f"{item.media.uri}: {_problem_summary(found.problems)}")
            files: tuple[File, ...] = ()
            if is_shown(self._block.preview, input_):
                files = preview(f"{input_.number:06d}", tar, first, work.scratch, self._tokenizer(item.fields, work))
        except ItemError as error:
            return failed(error)
        fields = {"samples": found.count}
        made = NewItem(item.key, item.group, item.weight, media=item.media, files=files, fields=fields)
        return Done((made,), counters=dict(found.noted), message=found.remarks)

    def _tokenizer(self, fields: Mapping[str, Any], work: Work) -> Tokenizer | None:
        """Return the tokenizer of packs if it is known and available.

        Otherwise, it returns None, and previews contain no text of tokens.
        """
        try:
            uri, digest = fields["tokenizer"]["uri"], fields["tokenizer"]["digest"]
            if (uri, digest) not in self._tokenizers:
                path = work.read(uri, digest)
                self._tokenizers[uri, digest] = load(path, fields["tokenizer"]["symbols"], uri)
            return self._tokenizers[uri, digest]
        except (KeyError, TypeError, SpecError):
            return None

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        rows = [
            IndexRow(url=url(item.media.uri, data.root), nsamples=item.fields["samples"])
            for item in data.items()
            if item.media is not None
        ]
        for name in ("index.pkl", "index.json"):
            path = data.scratch / name
            path.write_bytes(dump(rows, path.suffix))
            yield File(name, path)

    def localise(self, view: Path, folder: Path) -> None:
        if view.suffix in (".pkl", ".json"):
            view.write_bytes(dump(localised(parse(view.read_bytes(), view.suffix), folder), view.suffix))


def _pack_rules(fields: Mapping[str, Any]) -> PackRules:
    """Return the expected shape of packs of tokens: from the fields of the tar's item, or that of the original."""
    try:
        return PackRules.from_json(fields["pack"])
    except (KeyError, TypeError, ValueError):
        return PackRules()


def _examined_tar(tar: Path, first: list[Sample], *, full: bool, shape: PackRules) -> Contents:
    problems: list[TarProblem] = []
    payloads = Payloads(tar)

    def visit(sample: Sample) -> None:
        if len(first) < SAMPLES:
            first.append(sample)
        if full:
            problems.extend(wrong(sample, payloads, shape))

    try:
        found = contents(tar, visit)
    finally:
        payloads.close()
    found.problems.extend(problems)
    return found


def _problem_summary(problems: Sequence[TarProblem]) -> str:
    named = "; ".join(f"{problem.rule}: {problem.message}" for problem in problems[:NAMED])
    return named if len(problems) <= NAMED else f"{named}; and {len(problems) - NAMED} more"
