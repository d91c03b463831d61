"""Who a pipeline file is in a store: one uid, made once, found again by nobody else."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import StoreError
from reelmill.contract.records.claim import Claimant
from reelmill.contract.task import Owner, Step, StoreRef, Task
from reelmill_stages.commands.identity import identity
from reelmill_stages.store.keys import below

HERE: Mapping[str, str] = {"namespace": "default", "name": "demo", "host": "here", "machine": "m1", "file": "../p.yaml"}


def uid(store: Path, *, make: bool = True, **changed: str) -> str:
    task = Task(
        step=Step.SURVEY, owner=Owner(namespace="default", name="demo", uid=""), run=0, store=StoreRef(uri=str(store))
    )
    return identity(task, os.environ, Claimant(**{**HERE, **changed}), make=make)


def test_a_file_is_the_same_pipeline_every_time_and_two_files_never_are(tmp_path: Path) -> None:
    changes: list[dict[str, str]] = [
        {}, {"file": "../q.yaml"}, {"name": "other"}, {"namespace": "team"}, {"host": "there"}, {"machine": "m2"},
        {"token": "t"}, {"token": "t2"}, {"token": "t", "name": "other"},
    ]  # fmt: skip
    first = [uid(tmp_path, **change) for change in changes]
    assert len(set(first)) == len(changes)
    assert [uid(tmp_path, **change) for change in changes] == first


def test_a_token_goes_along_wherever_the_file_does(tmp_path: Path) -> None:
    assert uid(tmp_path, token="t") == uid(tmp_path, token="t", host="there", machine="m2", file="/elsewhere/p.yaml")


def test_reading_creates_nothing(tmp_path: Path) -> None:
    assert uid(tmp_path / "store", make=False) == ""
    assert not (tmp_path / "store").exists()


def test_runs_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: uid(tmp_path), range(8)))
    assert len(found) == 1


def test_another_store_has_no_identity(tmp_path: Path) -> None:
    assert uid(tmp_path / "one") != uid(tmp_path / "two")


@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "_reelmill", "/", "0001", "\n", "b.mp4"]), max_size=6), st.booleans()
)
def test_a_key_that_is_taken_as_a_data_sets_lies_in_it(parts: list[str], inside: bool) -> None:
    root = "clips/0123456789"
    key = "/".join([root, *parts] if inside else parts)
    try:
        name = below(key, root)
    except StoreError:
        return
    folder = Path("/store") / root
    assert os.path.normpath(folder / name) == str(folder / name)
    assert Path(os.path.normpath(folder / name)).is_relative_to(folder)
    assert name
    assert "_reelmill" not in name.split("/")


@pytest.mark.parametrize("key", ["clips/0123456789", "clips/01234567890/x", "clips/0123456789/", "raw/0123456789/x"])
def test_a_key_beside_a_data_set_is_refused(key: str) -> None:
    with pytest.raises(StoreError):
        below(key, "clips/0123456789")
