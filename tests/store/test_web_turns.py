"""Turns of requests to one web server, which processes share."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from reelmill_stages.store.web.turns import Turns


def test_a_turn_is_given_back_by_a_process_that_dies(tmp_path: Path) -> None:
    code = f"import os; from reelmill_stages.store.web.turns import *; Turns(1, 0, Path({str(tmp_path)!r})).take('x')"
    code += "; os._exit(1)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 1
    Turns(1, 0.0, tmp_path).take("x")()


def test_a_name_for_turns_that_somebody_else_took_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"reelmill-web-{os.getuid()}").symlink_to(tmp_path / "not there")
    Turns(1, 0.0).take("x")()
    assert not (tmp_path / "not there").exists()


def test_the_turns_of_a_server_begin_one_delay_apart(tmp_path: Path) -> None:
    waits: list[float] = []
    turns = Turns(8, 5.0, tmp_path, sleep=waits.append)
    for _ in range(3):
        turns.take("http://a")()
    turns.take("http://b")()
    assert [round(wait) for wait in waits] == [5, 10]


def test_who_waits_for_a_turn_waits_on_where_the_server_asks_for_it(tmp_path: Path) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        if not waits:
            turns.pause("http://a", 0.3)
        waits.append(seconds)
        time.sleep(seconds)

    turns = Turns(2, 0.1, tmp_path, sleep=sleep)
    for _ in range(2):
        turns.take("http://a")()
    assert len(waits) == 2


def test_a_long_delay_holds_for_as_many_requests_as_run_at_a_time(tmp_path: Path) -> None:
    waits: list[float] = []
    turns = Turns(8, 60.0, tmp_path, sleep=waits.append)
    ends = [turns.take("http://a") for _ in range(8)]
    assert [round(wait) for wait in waits] == [60 * turn for turn in range(1, 8)]
    for end in ends:
        end()
