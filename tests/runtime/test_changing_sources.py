"""Files of sources that other programs change while they are read: one version is used, or the item fails."""

import os
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
import toy_line as toy

from reelmill.contract.errors import TransientError
from reelmill_stages.store.local.one_version import read_version

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take

WORDS = {"a": "first words", "changing": "some other words", "z": "the last words"}
IN_PLACE = ["append", "truncate", "overwrite"]


def line_of(root: Path, type_: str, change: str) -> toy.Line:
    line = toy.Line(root)
    for key, text in WORDS.items():
        line.put(key, text)
    line.stage("reader", type_, change=change)
    line.survey()
    return line


@pytest.mark.parametrize("change", [*IN_PLACE, "replace", "rename", "delete"])
def test_a_file_that_changes_while_it_is_read_fails_its_item_alone(tmp_path: Path, change: str) -> None:
    line = line_of(tmp_path, "Halves", change)
    line.advance()
    data = line.data("reader")
    toy.law(data)
    assert toy.contents(data) == {key: text for key, text in WORDS.items() if key != "changing"}
    (row,) = [row for row in data.ledger() if row.outcome.value == "failed"]
    path = tmp_path / "media/raw/changing.txt"
    assert (row.key, row.reason, row.message) == (
        ("changing", "changed", f"{path} has changed while it was read")
        if path.exists()
        else ("changing", "missing", f"{path} does not exist")
    )


@pytest.mark.parametrize("change", IN_PLACE)
def test_a_file_that_changes_while_it_is_assembled_fails_its_item_when_the_shard_is_retried(
    tmp_path: Path, change: str
) -> None:
    line = line_of(tmp_path, "Linked", change)
    stage = line.stages[0]
    opened = line.open(stage)
    with pytest.raises(TransientError, match="changed while it was assembled"):
        line.shard(stage, opened.segment, 0)
    line.shard(stage, opened.segment, 0)
    line.commit(stage, opened.segment)
    data = line.data("reader")
    toy.law(data)
    assert toy.outcomes(data) == {"a": ("done", ""), "changing": ("failed", "changed"), "z": ("done", "")}
    assert list(toy.contents(data).values()) == ["first words\nthe last words"]


@pytest.mark.parametrize("change", ["replace", "rename", "delete"])
def test_a_file_that_is_replaced_while_it_is_assembled_counts_as_it_was(tmp_path: Path, change: str) -> None:
    line = line_of(tmp_path, "Linked", change)
    line.advance()
    data = line.data("reader")
    toy.law(data)
    assert list(toy.contents(data).values()) == ["\n".join(WORDS.values())]


class ChangedWhileRead:
    """An open file that another program writes to during each read."""

    def __init__(self, file: BinaryIO, path: Path, written: bytes) -> None:
        self._file, self._path, self._written = file, path, written
        self.fileno, self.seek = file.fileno, file.seek

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._path.write_bytes(self._written)
        status = self._path.stat()
        os.utime(self._path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
        return data


@pytest.mark.parametrize("written", [b"", b"shorter", b"sixteen letters!", b"more than sixteen letters"])
def test_bytes_of_two_versions_are_never_returned(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"sixteen letters.")
    with path.open("rb") as file:
        assert read_version(file, 0, None) == b"sixteen letters."
        assert read_version(file, 8, 4) == b"lett"
        assert read_version(file, 99, None) == b""
        assert read_version(cast(Any, ChangedWhileRead(file, path, written)), 0, None) is None
