"""What others wrote, on a terminal: names, captions and messages show themselves and command nothing."""

import json
import logging
import re
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import reelmill.cli
from cli.terminal import reelmill as command
from cli.terminal import write
from reelmill.cli.cluster.log_line import rendered
from reelmill.cli.display.console import PrintableConsole
from reelmill.cli.display.output import Format, emit, show
from reelmill.cli.display.progress import Lines
from reelmill.cli.display.terminal import say
from reelmill.cli.error_text import describe
from reelmill.contract.errors import SpecError
from reelmill.contract.log import JsonFormatter, TerminalFormatter
from reelmill.contract.text.terminal import json_text, printable

RAW = {
    "escape": ("a\x1b[2Jb", r"a\x1b[2Jb"),
    "title": ("\x1b]0;pwned\x07", r"\x1b]0;pwned\x07"),
    "8 bit escape": ("a\x9b31mb", r"a\x9b31mb"),
    "line break": ("a\nerror: forged", r"a\nerror: forged"),
    "return": ("safe\rforged", r"safe\rforged"),
    "reversed": ("a\u202egpj.exe", r"a\u202egpj.exe"),
    "isolate": ("\u2066x\u2069", r"\u2066x\u2069"),
    "separators": ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
    "no UTF-8": ("a\udcff", r"a\udcff"),
    "hidden tag": ("a\U000e0041", r"a\U000e0041"),
}
KEPT = ["名前.mp4", "éà", "e\u0301", "👩\u200d🔬", "नमस्\u200dते", "שלום", "مرحبا", "a\u00a0b", "", "C:\\x1b"]


@pytest.mark.parametrize("kind", sorted(RAW))
def test_what_a_terminal_obeys_is_shown_as_an_escape(kind: str) -> None:
    raw, shown = RAW[kind]
    assert printable(raw) == shown


@pytest.mark.parametrize("text", KEPT)
def test_letters_of_every_script_stay(text: str) -> None:
    assert printable(text) == text


def hidden(text: str) -> set[str]:
    return {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set("\n\u200c\u200d")


@given(st.text())
def test_no_text_hides_anything_once_it_is_printable(text: str) -> None:
    assert not hidden(printable(text))
    assert "\n" not in printable(text)
    assert printable(printable(text)) == printable(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES, st.sampled_from([None, 2]))
def test_json_for_programs_is_exact_and_hides_nothing(value: Any, indent: int | None) -> None:
    text = json_text(value, indent=indent)
    assert json.loads(text) == value
    assert not hidden(text)


def emitted(value: Any, form: Format) -> str:
    out = StringIO()
    with redirect_stdout(out):
        emit(value, form)
    return out.getvalue()


@given(st.dictionaries(st.text(), st.text(), max_size=3))
def test_results_for_programs_are_unchanged(value: dict[str, str]) -> None:
    assert json.loads(emitted(value, Format.JSON)) == value


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"])))
def test_yaml_for_programs_is_exact_and_hides_nothing(text: str) -> None:
    shown = emitted({"a": text}, Format.YAML)
    assert yaml.safe_load(shown) == {"a": text}
    assert not hidden(shown)


def table(rows: list[dict[str, Any]]) -> list[str]:
    out = StringIO()
    with redirect_stdout(out):
        show(rows, Format.TABLE, columns=("key", "message", "end"))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("kind", sorted(RAW))
def test_a_row_of_a_table_stays_one_row_with_its_columns_in_line(kind: str) -> None:
    raw, shown = RAW[kind]
    lines = table([{"key": raw, "message": "名前", "end": "|"}, {"key": "plain", "message": "x" * 7, "end": "|"}])
    assert len(lines) == 3
    assert shown in lines[1]
    assert {cell_len(line[: line.index("|")]) for line in lines[1:]} == {cell_len(lines[0][: lines[0].index("END")])}


@given(st.text(max_size=40))
def test_lines_to_a_person_are_lines(text: str) -> None:
    err = StringIO()
    with redirect_stderr(err):
        say(text)
        Lines(verbose=True).say(text)
        for line in describe(SpecError(text, where=text, hint=text)):
            say(line)
    lines = err.getvalue().split("\n")
    assert len(lines) == (5 if text else 4)
    assert not hidden(err.getvalue())


@given(st.text(max_size=40))
def test_the_console_of_progress_and_of_the_cluster_prints_no_command(text: str) -> None:
    out = StringIO()
    PrintableConsole(file=out, width=500).print(text, markup=False, soft_wrap=True)
    PrintableConsole(file=out, width=500).print(rendered(json.dumps({"msg": text, "item": text, "traceback": text})))
    assert not hidden(out.getvalue())


@given(st.text(max_size=40))
def test_logs_on_a_terminal_show_messages_and_fields_on_one_line(text: str) -> None:
    record = logging.LogRecord("reelmill", logging.INFO, "x.py", 1, text, None, None)
    record.fields = {"item": text}
    shown = TerminalFormatter(colour=False).format(record)
    assert not hidden(shown)
    assert "\n" not in shown


def test_logs_in_pods_are_always_json() -> None:
    record = logging.LogRecord("reelmill", logging.INFO, "x.py", 1, "a\x9b\u202e\udcff", None, None)
    record.fields = {"item": "b\x7f"}
    line = JsonFormatter(stage="s").format(record)
    assert (json.loads(line)["msg"], json.loads(line)["item"]) == ("a\x9b\u202e\udcff", "b\x7f")
    assert not hidden(line)


PLAIN_PRINTS = {
    "terminal.py",
    "output.py",
    "app.py",
    "follow.py",
    "init.py",
    "schema.py",
    "logs.py",
    "funnel.py",
    "report.py",
}
"""Modules that print by themselves: what is safe already, and texts of our own."""


def test_every_other_command_prints_through_the_terminal_module() -> None:
    root = Path(reelmill.cli.__file__).parent
    printing = re.compile(r"(?<![\w.])(print|Console|echo)\(")
    assert {path.name for path in root.rglob("*.py") if printing.search(path.read_text())} <= PLAIN_PRINTS


@pytest.mark.parametrize("kind", sorted(RAW))
@pytest.mark.parametrize("words", ["{}", "--{}", "status --{}", "status x {}", "ledger x -o {}"])
def test_an_argument_that_no_command_knows_is_shown_in_one_line(words: str, kind: str) -> None:
    said = command(*(word.format(RAW[kind][0]) for word in words.split()))
    assert said.code == 2
    assert not hidden(said.out + said.err)
    assert "error: forged" not in said.err.splitlines()


def test_a_pipeline_file_of_a_hostile_name_is_named_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, "spec: [1\n").rename(tmp_path / "a\x1b[31m\n\u202e.yaml")
    said = command("validate", path)
    assert said.code == 2
    assert r"a\x1b[31m\n\u202e.yaml" in said.err
    assert not hidden(said.err)
