"""`reelmill check`: opens what a stage wrote with the rules of the consumer that it is meant for."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from reelmill.contract.command_rows import FindingRow
from reelmill.contract.errors import SpecError
from reelmill.contract.task import Task
from reelmill_stages.checks import CHECKS, Check
from reelmill_stages.commands.export import export


def check(folder: Path, formats: Sequence[str] = ()) -> Iterator[FindingRow]:
    """One row per file and rule. Formats are detected where none is named.

    Raises SpecError for a folder that does not exist or holds no known format, and for an unknown format.
    """
    if not folder.is_dir():
        raise SpecError("no such folder", where=str(folder))
    if unknown := sorted(set(formats) - set(CHECKS)):
        raise SpecError(f"no format is called {unknown[0]!r}", hint=f"there are {', '.join(CHECKS)}")
    checks = {name: _load(name) for name in formats or CHECKS}
    found = [name for name, each in checks.items() if name in formats or each.detect(folder)]
    if not found:
        raise SpecError(
            "nothing here has a format that is known", where=str(folder), hint=f"one of {', '.join(CHECKS)}"
        )
    for name in found:
        for finding in checks[name].check(folder):
            yield FindingRow(format=name, file=finding.file, rule=finding.rule, ok=finding.ok, message=finding.message)


def check_stage(task: Task, env: Mapping[str, str], stage: str, formats: Sequence[str] = ()) -> Iterator[FindingRow]:
    """The same for what a stage has in the store: on an export of it that lives as long as the check."""
    with tempfile.TemporaryDirectory(prefix="reelmill-check-") as temporary:
        folder = Path(temporary) / stage
        export(task, env, stage, folder)
        yield from check(folder, formats)


def _load(name: str) -> Check:
    module, _, kind = CHECKS[name].partition(":")
    made: Check = getattr(import_module(module), kind)()
    return made
