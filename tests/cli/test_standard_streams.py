"""Commands with standard streams that are closed, full or without a reader, or that cannot encode a character."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.terminal import PIPELINE, write

pytestmark = pytest.mark.store

COMMAND = [sys.executable, "-m", "reelmill.cli"]


def run(folder: Path, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | given
    return subprocess.run([*COMMAND, *arguments], cwd=folder, text=True, check=False, timeout=600, **streams)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_closed_stream_changes_neither_the_exit_code_nor_the_other_streams(
    tmp_path: Path, closed: tuple[int, ...]
) -> None:
    write(tmp_path)

    def ends_with(*arguments: str) -> tuple[int, str, str]:
        redirections = " ".join(("<&-", ">&-", "2>&-")[number] for number in closed)
        words = ["bash", "-c", f'"$@" {redirections}', "bash", *COMMAND, *arguments]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
        return done.returncode, done.stdout, done.stderr

    valid = "" if 1 in closed else "pipeline.yaml: valid: 1 source, 2 stages\n"
    missing = "" if 2 in closed else "error: none.yaml: no such file\nhint: create one with: reelmill init\n"
    assert ends_with("validate", "pipeline.yaml") == (0, valid, "")
    assert ends_with("validate", "none.yaml") == (2, "", missing)


def test_files_are_not_opened_as_a_closed_standard_error() -> None:
    code = (
        "import os\n"
        "for number in range(3): os.close(number)\n"
        "from reelmill.cli.standard_streams import protect_standard_streams\n"
        "protect_standard_streams()\n"
        "os._exit(os.open(os.devnull, os.O_RDONLY))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode > 2


def test_output_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    write(tmp_path)
    with Path(os.devnull).open("rb") as read_only:
        done = run(tmp_path, "validate", "pipeline.yaml", stdout=read_only)
    error = "error: standard output: cannot be written: Bad file descriptor\nhint: write it to another place\n"
    assert (done.returncode, done.stderr) == (2, error)


def test_messages_that_cannot_be_written_change_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    with Path(os.devnull).open("rb") as read_only:
        assert run(tmp_path, "validate", "none.yaml", stderr=read_only).returncode == 2


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_run_whose_reader_has_gone_ends_with_its_own_exit_code(tmp_path: Path, form: str) -> None:
    write(tmp_path, PIPELINE.replace("tolerate: 40%", "tolerate: 0%"))
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(tmp_path, "run", "pipeline.yaml", "-o", form, stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode == 65, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_an_encoding_lacks_are_escaped(tmp_path: Path, encoding: str) -> None:
    name = "ü日😀.yaml"
    (tmp_path / name).write_text(PIPELINE.replace("length: 1s", "length: ü日😀"))
    environment = {**os.environ, "PYTHONIOENCODING": encoding}

    def printed(form: str) -> str:
        done = run(tmp_path, "validate", name, "-o", form, env=environment, encoding=encoding)
        assert done.returncode == 2
        return done.stdout or done.stderr

    (by_json,), (by_yaml,) = json.loads(printed("json"))["problems"], yaml.safe_load(printed("yaml"))["problems"]
    assert by_json == by_yaml
    assert by_json["file"] == name
    first = {"latin-1": "ü", "ascii": r"\u00fc"}[encoding]
    assert printed("table").startswith(rf"error: {first}\u65e5\ud83d\ude00.yaml:11: ")
