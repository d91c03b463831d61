"""The last lines of the logs in a store, against all of them."""

from pathlib import Path
from typing import Any

import pytest

from dashboard.data_sets import Written
from reelmill_stages.commands.logs import last_lines_of, lines_of


class Counting:
    """A store that notes what is read."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.logs: list[str] = []

    def read(self, key: str, **more: Any) -> bytes:
        if key.endswith(".jsonl"):
            self.logs.append(key)
        data: bytes = self._store.read(key, **more)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    made = Written(tmp_path)
    made.segment([{"v": 1}])
    paths = made.names.segment(1)
    for shard in range(4):
        lines = "".join(f"shard {shard} line {number}\n" for number in range(shard))
        made.store.write(paths.log(shard, f"{shard}-aa"), lines.encode())
    made.store.write(paths.commit_log("5-bb"), b"committed\n")
    return made


@pytest.mark.parametrize("shard", [None, 0, 3, 9])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
def test_they_are_the_end_of_all_lines(written: Written, most: int, shard: int | None) -> None:
    every = list(lines_of(written.store, written.names, shard=shard))
    assert last_lines_of(written.store, written.names, most, shard=shard) == every[-most:]


def test_no_more_files_are_read_than_that_takes(written: Written) -> None:
    store: Any = Counting(written.store)
    assert len(last_lines_of(store, written.names, 3)) == 3
    paths = written.names.segment(1)
    assert store.logs == [paths.commit_log("5-bb"), paths.log(3, "3-aa")]
