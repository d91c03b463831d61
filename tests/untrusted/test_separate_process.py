"""A file that a library in C does not survive ends a process of its own, and is refused by name."""

import ctypes
import itertools
import os
import signal
from pathlib import Path

import pytest

from host import children, command_line, running
from reelmill_stages.untrusted.arrays import ArrayError
from reelmill_stages.untrusted.separate_process import SeparateProcess

pytestmark = pytest.mark.store  # needs no server, but starts many processes

TARGET = f"{Path(__file__).stem}:read"


def read(path: Path) -> None:
    """What a library may do: the file says what."""
    match path.read_text():
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "endless":
            sum(itertools.repeat(0))
        case "print":
            ctypes.CDLL(None).puts(b"a line of the library")
        case "memory":
            bytearray(1 << 50)
        case "wrong":
            raise ValueError("two lines\nof text")


@pytest.fixture(autouse=True)
def can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])]))


@pytest.fixture
def apart() -> SeparateProcess:
    return SeparateProcess(TARGET)


def file(folder: Path, word: str) -> Path:
    path = folder / word
    path.write_text(word)
    return path


def test_what_ends_the_process_is_refused_and_the_next_file_is_read(tmp_path: Path, apart: SeparateProcess) -> None:
    with apart:
        apart.read(file(tmp_path, "whole"))
        for word, told in {
            "crash": "the library that reads it crashes: crash is damaged",
            "memory": "it needs too much memory",
            "wrong": "two lines",
        }.items():
            with pytest.raises(ArrayError, match=f"^{told}$"):
                apart.read(file(tmp_path, word))
            apart.read(file(tmp_path, "print"))


def test_what_never_returns_is_refused_as_often_as_it_is_read(tmp_path: Path) -> None:
    with SeparateProcess(TARGET, seconds=0.5) as impatient:
        for _ in range(2):
            with pytest.raises(ArrayError, match=r"^the library that reads it does not finish: endless is damaged$"):
                impatient.read(file(tmp_path, "endless"))


def test_a_process_that_does_not_start_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    others = set(children(os.getpid()))
    with SeparateProcess("no_such_module:read") as absent, pytest.raises(OSError, match="cannot be started"):
        absent.read(file(tmp_path, "whole"))
    assert set(children(os.getpid())) <= others


def test_the_process_ends_with_the_context(tmp_path: Path, apart: SeparateProcess) -> None:
    others = set(children(os.getpid()))
    with apart:
        apart.read(file(tmp_path, "whole"))
        started = set(children(os.getpid())) - others
        (process,) = [child for child in started if "separate_process" in command_line(child)]
    assert not running(process)
