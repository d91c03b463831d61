"""The check of an index: each rule is found broken by its name, and nothing in a pickle is ever run."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from pack.broken_tars import flipped, tar
from reelmill_stages.stages.index.check import IndexCheck

ROWS = [{"url": "a.tar", "nsamples": 2}, {"url": "b.tar", "nsamples": 2}]


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def good(folder: Path) -> None:
    tar(folder / "a.tar")
    tar(folder / "b.tar")
    write(folder, ROWS)


def write(folder: Path, rows: object, twin: object = None) -> None:
    (folder / "index.pkl").write_bytes(pickle.dumps(rows, protocol=4))
    (folder / "index.json").write_text(json.dumps(rows if twin is None else twin))


def broken(folder: Path) -> set[str]:
    return {finding.rule for finding in IndexCheck().check(folder) if not finding.ok}


CASES: dict[str, Callable[[Path], object]] = {
    "present": lambda folder: (folder / "index.json").unlink(),
    "plain": lambda folder: (folder / "index.pkl").write_bytes(b"\x80\x04junk"),
    "twin": lambda folder: write(folder, ROWS, ROWS[::-1]),
    "empty": lambda folder: write(folder, []),
    "unique_urls": lambda folder: write(folder, [ROWS[0], ROWS[0]]),
    "tar_missing": lambda folder: (folder / "b.tar").unlink(),
    "bad_tar": lambda folder: (folder / "b.tar").write_bytes(flipped((folder / "b.tar").read_bytes())),
    "nsamples": lambda folder: write(folder, [ROWS[0], {"url": "b.tar", "nsamples": 3}]),
}


def test_a_good_index_passes(tmp_path: Path) -> None:
    good(tmp_path)
    assert IndexCheck().detect(tmp_path)
    assert broken(tmp_path) == set()


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_broken_rule_is_found_by_its_name(tmp_path: Path, rule: str) -> None:
    good(tmp_path)
    CASES[rule](tmp_path)
    assert broken(tmp_path) == {rule}


@pytest.mark.parametrize(
    "rows", [{"url": "a.tar"}, ["a.tar"], [{"url": 1, "nsamples": 2}], [{"url": "a.tar", "nsamples": True}], 7]
)
def test_anything_but_a_list_of_url_and_nsamples_is_refused(tmp_path: Path, rows: object) -> None:
    good(tmp_path)
    write(tmp_path, rows)
    assert broken(tmp_path) == {"plain"}


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    good(tmp_path)
    (tmp_path / "index.pkl").write_bytes(pickle.dumps([Evil(tmp_path / "owned")]))
    assert broken(tmp_path) == {"plain"}
    assert not (tmp_path / "owned").exists()


def test_absolute_and_remote_addresses_are_understood(tmp_path: Path) -> None:
    good(tmp_path)
    write(tmp_path, [{"url": str(tmp_path / "a.tar"), "nsamples": 2}, {"url": "s3://bucket/x.tar", "nsamples": 9}])
    assert broken(tmp_path) == set()


def test_a_folder_without_an_index_is_not_ours(tmp_path: Path) -> None:
    assert not IndexCheck().detect(tmp_path)
