"""The report of `reelmill tune`: an HTML page with histograms, and PNG sheets of borderline examples next to it."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

from reelmill.contract.commands.tuning import RuleEffect, TuneResult
from reelmill.contract.digest import canonical, sha256
from reelmill.contract.errors import SpecError
from reelmill.contract.output_file import check_may_replace
from reelmill.contract.task import Task
from reelmill.contract.text.quantities import amount, count_of
from reelmill_stages.commands.curation.border_items import BorderItems
from reelmill_stages.pictures import histogram, sheet
from reelmill_stages.runtime.preview_frames.clip_frames import HEIGHT, WIDTH, shots
from reelmill_stages.stages.filter.rules import number_shown

PAGE = "index.html"
RESULT = "tune.json"
"""The result as JSON, with the digests of the other files, including sheets of earlier rules. It is written first, so
that it marks the folder of a call that was killed, and again at the end, without the digests of replaced files."""
_FILES = "files"
_PARTIAL = re.compile(rf"{re.escape(RESULT)}\.[0-9a-f]{{16}}\.partial")
"""The result while it is being written: what a call that was killed at its beginning leaves."""
_COUNTS = ("drops alone", "drops first", "drops only", "of these fail")
_TITLE = "Rules of"
_BEGIN = f"""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{_TITLE} """
_HEAD = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.5 sans-serif; color: #1f2328; max-width: 1400px; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }} td, th {{ padding: 2px 12px; text-align: left; border-bottom: 1px solid #d8dee4 }}
td.n, th.n {{ text-align: right }} img, svg {{ max-width: 100%; margin: 4px 8px 4px 0 }}
</style></head><body>
"""


@contextmanager
def writing(folder: Path, borders: Sequence[BorderItems]) -> Iterator[None]:
    """Context manager in which the report is written into `folder`.

    Raises SpecError if the report cannot be written, for a folder with other contents, and if a file in it has the name
    of a part of the report and was not written by an earlier call.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_folder(folder, borders)
        yield
    except OSError as error:
        raise SpecError(
            f"the report cannot be written: {error.strerror}", where=str(folder), hint="choose another folder"
        ) from error


def _check_folder(folder: Path, borders: Sequence[BorderItems]) -> None:
    if all(_PARTIAL.fullmatch(path.name) for path in folder.iterdir()):
        return
    ours = _earlier_files(folder / RESULT)
    if ours is None:
        raise SpecError(
            "the folder contains something other than a report of tune",
            where=str(folder),
            hint="name a new folder, or that of an earlier report",
        )
    for name in (PAGE, *(_sheet_name(border) for border in borders)):
        path = folder / name
        check_may_replace(path, lambda path: _is_report_file(path, ours.get(path.name)), option="--report")


def _earlier_files(path: Path) -> dict[str, list[str]] | None:
    """The files of an earlier report with their possible digests, from its result; None if the file is not one.

    Reports of version 0.2.0 have no digests.
    """
    try:
        found = json.loads(path.read_bytes())
        if found.keys() >= {"stage", "rules"}:
            names = {PAGE, *(Path(sheet).name for sheet in found["sheets"])}
            files: dict[str, list[str]] = found.get(_FILES, {name: [] for name in names})
            return {name: list(digests) for name, digests in files.items()}
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    return None


def _is_report_file(path: Path, digests: list[str] | None) -> bool:
    if digests:
        return sha256(path.read_bytes()) in digests
    with path.open("rb") as file:
        return digests is not None and (path.name != PAGE or file.read(len(_BEGIN)) == _BEGIN.encode())


def _sheet_name(border: BorderItems) -> str:
    return f"{border.rule}-{border.limit}.png"


def draw_sheets(
    borders: Sequence[BorderItems], fields: Mapping[str, str], task: Task, env: Mapping[str, str], scratch: Path
) -> tuple[list[Path], list[str]]:
    """Draw a sheet for each limit; `fields` maps rules to fields. Returns (files, examples without a picture)."""
    sheets: list[Path] = []
    unseen: list[str] = []
    for border in borders:
        sheets.append(scratch / _sheet_name(border))
        sheets[-1].write_bytes(_sheet(border, fields[border.rule], task, env, unseen))
    return sheets, unseen


def write_report(result: TuneResult, sheets: Sequence[Path], folder: Path) -> None:
    """Write the page, the sheets and the result as JSON into `folder`, each file as a whole."""
    made = {PAGE: "".join(_page(result)).encode(), **{sheet.name: sheet.read_bytes() for sheet in sheets}}
    new = {name: [sha256(data)] for name, data in made.items()}
    old = _earlier_files(folder / RESULT) or {}
    either = {name: digests + old.get(name, []) for name, digests in new.items()}
    _write_whole(folder / RESULT, _result_json(result, {**old, **either}))
    for name, data in made.items():
        _write_whole(folder / name, data)
    _write_whole(folder / RESULT, _result_json(result, {**old, **new}))


def _result_json(result: TuneResult, files: Mapping[str, Sequence[str]]) -> bytes:
    return canonical({**result.to_json(), _FILES: files})


def _write_whole(path: Path, data: bytes) -> None:
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    partial.write_bytes(data)
    partial.replace(path)


def _sheet(border: BorderItems, field: str, task: Task, env: Mapping[str, str], unseen: list[str]) -> bytes:
    rows: list[list[sheet.Cell]] = []
    for kept in (False, True):
        near = list(border.nearest(kept=kept))
        cells = []
        for (item, value), shot in zip(near, shots(task, env, [item for item, _ in near]), strict=True):
            if shot.problem:
                unseen.append(f"{item.key}: {shot.problem}")
            cells.append(
                sheet.Cell(shot.jpeg, shot.width, shot.height, item.key, number_shown(float(value)), shot.problem)
            )
        rows.append(cells)
    title = f"{border.rule}: {field}, {border.limit} {number_shown(border.at)}"
    return sheet.draw(title, rows[0], rows[1], width=WIDTH, height=HEIGHT).png()


def _page(result: TuneResult) -> Iterator[str]:
    title = f"{_TITLE} {result.stage}"
    yield _HEAD.format(title=escape(title))
    yield f"<h1>{escape(title)}</h1>\n<p>{amount(result.kept)} of {count_of(result.items, 'item')} are kept.</p>\n"
    yield "<table><tr><th>rule</th><th>field</th><th>limits</th>"
    yield "".join(
        f'<th class="n">{word}</th>' for word in ("drops alone", "drops first", "drops only", "of these fail")
    )
    yield "</tr>\n"
    for rule in result.rules:
        yield "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in (rule.name, rule.field, rule.limits))
        counts = (rule.alone, rule.first, rule.only, rule.failing)
        yield "".join(f'<td class="n">{amount(count)}</td>' for count in counts) + "</tr>\n"
    yield "</table>\n<h2>Fields</h2>\n"
    for each in result.histograms:
        yield histogram.draw(each, rules_of(result, each.field)).svg().decode() + "\n"
    for values in result.values:
        value_counts = ", ".join(f"{value.value} ({amount(value.items)})" for value in values.values)
        yield f"<p><b>{escape(values.field)}</b>: {escape(value_counts or 'too many different values to list')}</p>\n"
    yield "<h2>Close to a limit</h2>\n" if result.sheets else ""
    for path in result.sheets:
        name = escape(Path(path).name, quote=True)
        yield f'<p><img src="{name}" alt="{name}"></p>\n'
    yield "</body></html>\n"


def rules_of(result: TuneResult, field: str) -> list[RuleEffect]:
    """The rules about a field."""
    return [rule for rule in result.rules if rule.field == field]
