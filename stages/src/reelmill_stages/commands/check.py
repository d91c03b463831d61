"""`reelmill check`: verify written files by the rules of their consumer."""

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reelmill.contract.commands.result_rows import COUNTED, FindingRow
from reelmill.contract.errors import SpecError
from reelmill.contract.task import StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.commands.export import export, no_output
from reelmill_stages.commands.integrity.row_rules import FORMAT as ROWS
from reelmill_stages.commands.integrity.row_rules import check_rows
from reelmill_stages.format_checks import Finding
from reelmill_stages.records.pins import check_pins
from reelmill_stages.store.locations import Locations


def check(folder: Path, formats: Sequence[str] = ()) -> Iterator[FindingRow]:
    """One row for each file and rule. By default, formats are detected.

    Raises SpecError for a missing folder, for a folder without any known format, for an unknown format name, and for a
    folder with an entry that is not a regular file: reading it might never end.
    """
    if not folder.exists():
        raise SpecError("no such folder", where=str(folder), hint="give a folder of written files, such as an export")
    if not folder.is_dir():
        raise SpecError(
            "this is a file, not a folder", where=str(folder), hint="give its folder; for a pipeline file, add --stage"
        )
    _refuse_special_files(folder)
    found = _formats(folder, formats)
    if not found:
        known = ", ".join(registry.checks())
        raise SpecError("no known format found in the folder", where=str(folder), hint=f"known formats are {known}")
    yield from _findings(folder, found)


def _formats(folder: Path, formats: Sequence[str]) -> Sequence[str]:
    """The requested formats, or those of the folder. Raises SpecError for an unknown name."""
    checks = registry.checks()
    if unknown := sorted(set(formats) - set(checks)):
        raise SpecError(f"unknown format {unknown[0]!r}", hint=f"choose one of {', '.join(checks)}")
    return formats or [name for name, each in checks.items() if each.detect(folder)]


def _findings(folder: Path, formats: Sequence[str]) -> Iterator[FindingRow]:
    checks = registry.checks()
    for name in formats:
        yield from (_row(name, finding) for finding in checks[name].check(folder))


def _row(name: str, finding: Finding) -> FindingRow:
    return FindingRow(format=name, file=finding.file, rule=finding.rule, ok=finding.ok, message=finding.message)


def _refuse_special_files(folder: Path) -> None:
    for root, folders, names in os.walk(folder):
        for name in [*names, *folders]:
            path = Path(root, name)
            try:
                mode = path.stat().st_mode
            except OSError:  # a dangling link
                continue
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise SpecError(
                    "a pipe, a socket or a device, not a file", where=str(path), hint="move it out of the folder"
                )


def check_stage(task: Task, env: Mapping[str, str], stage: str, formats: Sequence[str] = ()) -> Iterator[FindingRow]:
    """Like `check`, for the data set of a stage in the store: its rows, and its files by the rules of their consumer.

    Rows have the format `rows` and are read in the store. Files are exported to a temporary folder, except those that a
    stage without a format of its own passes on: they belong to the stage that wrote them. With `formats`, only these
    are checked. The last rows contain the stage's counters other than outcomes; they have the rule `counted` and always
    hold.

    Also raises SpecError if a parameter's file differs from the one that the stage started with, and if the stage has
    no output yet.
    """
    definition = stage_of(task, stage)
    store = store_of(task, env)
    last = data_set(store, definition).last
    check_pins(Locations(task.store, task.sources, env), [definition], remember=False)
    if last is None:
        raise no_output(stage, store)
    if not formats or ROWS in formats:
        yield from (_row(ROWS, finding) for finding in check_rows(task, store, definition))
    others = [name for name in formats if name != ROWS]
    if others or (not formats and _writes_files(definition)):
        with tempfile.TemporaryDirectory(prefix="reelmill-check-") as temporary:
            folder = Path(temporary) / stage
            export(task, env, stage, folder)
            _refuse_special_files(folder)
            yield from _findings(folder, _formats(folder, others))
    for word, number in last.counters.items():
        yield FindingRow(format=stage, file=".", rule=COUNTED, ok=True, message=f"{word} {number:,}")


def _writes_files(stage: StageDef) -> bool:
    """Whether its data set may have files of a format, besides passed-on files."""
    if registry.own_code(stage.type, stage.params) or registry.has_check(stage.type):
        return True
    block = registry.stage_block(stage.type, dict(stage.params))
    return not block.passes_items
