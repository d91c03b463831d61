"""Turns of requests to one web server, which processes share."""

import os
import subprocess
import sys
import tempfile
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


class Clock:
    """A clock that moves only while somebody sleeps, or not even then."""

    def __init__(self, *, moves: bool = True) -> None:
        self.time, self.moves = 1e9, moves
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.moves:
            self.time += seconds


def test_the_turns_of_a_server_begin_one_delay_apart(tmp_path: Path) -> None:
    clock = Clock(moves=False)
    turns = Turns(8, 5.0, tmp_path, sleep=clock.sleep, now=clock.now)
    for _ in range(3):
        turns.take("http://a")()
    turns.take("http://b")()
    assert clock.waits == [5, 10]


def test_who_waits_for_a_turn_waits_on_where_the_server_asks_for_it(tmp_path: Path) -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        if not clock.waits:
            turns.pause("http://a", 30.0)
        clock.sleep(seconds)

    turns = Turns(2, 10.0, tmp_path, sleep=sleep, now=clock.now)
    for _ in range(2):
        turns.take("http://a")()
    assert clock.waits == [10, 20]


def test_a_long_delay_holds_for_as_many_requests_as_run_at_a_time(tmp_path: Path) -> None:
    clock = Clock(moves=False)
    turns = Turns(8, 60.0, tmp_path, sleep=clock.sleep, now=clock.now)
    ends = [turns.take("http://a") for _ in range(8)]
    assert clock.waits == [60 * turn for turn in range(1, 8)]
    for end in ends:
        end()
