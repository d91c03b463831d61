"""`reelmill check`: verifies written files by the rules of their consumer."""

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reelmill.contract.commands.result_rows import COUNTED, FindingRow
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.commands.export import export
from reelmill_stages.records.pins import check_pins
from reelmill_stages.store.locations import Locations


def check(folder: Path, formats: Sequence[str] = ()) -> Iterator[FindingRow]:
    """One row for each file and rule. By default, formats are detected.

    Raises SpecError for a missing folder, for a folder without any known format, for an unknown format name, and for a
    folder with something that is no file: reading it might never end.
    """
    if not folder.exists():
        raise SpecError("no such folder", where=str(folder), hint="give a folder of written files, such as an export")
    if not folder.is_dir():
        raise SpecError(
            "this is a file, not a folder", where=str(folder), hint="give its folder; for a pipeline file, add --stage"
        )
    _refuse_special_files(folder)
    checks = registry.checks()
    if unknown := sorted(set(formats) - set(checks)):
        raise SpecError(f"unknown format {unknown[0]!r}", hint=f"choose one of {', '.join(checks)}")
    found = formats or [name for name, each in checks.items() if each.detect(folder)]
    if not found:
        raise SpecError(
            "the folder has no known format", where=str(folder), hint=f"known formats are {', '.join(checks)}"
        )
    for name in found:
        for finding in checks[name].check(folder):
            yield FindingRow(format=name, file=finding.file, rule=finding.rule, ok=finding.ok, message=finding.message)


def _refuse_special_files(folder: Path) -> None:
    for root, folders, names in os.walk(folder):
        for name in [*names, *folders]:
            path = Path(root, name)
            try:
                mode = path.stat().st_mode
            except OSError:  # a link to nothing, which cannot be read either
                continue
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise SpecError(
                    "a pipe, a socket or a device, not a file", where=str(path), hint="move it out of the folder"
                )


def check_stage(task: Task, env: Mapping[str, str], stage: str, formats: Sequence[str] = ()) -> Iterator[FindingRow]:
    """Like `check`, for the data set of a stage in the store, which is exported to a temporary folder.

    The last rows tell what the stage counted besides outcomes; they have the rule `counted` and always hold.

    Raises SpecError, too, if a parameter's file is another one than the stage started with.
    """
    definition = stage_of(task, stage)
    check_pins(Locations(task.store, task.sources, env), [definition], remember=False)
    with tempfile.TemporaryDirectory(prefix="reelmill-check-") as temporary:
        folder = Path(temporary) / stage
        export(task, env, stage, folder)
        yield from check(folder, formats)
    last = data_set(store_of(task, env), definition).last
    for word, number in (last.counters if last else {}).items():
        yield FindingRow(format=stage, file=".", rule=COUNTED, ok=True, message=f"{word} {number:,}")
