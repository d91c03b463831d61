"""`reelmill check` for what the stage `write` makes: what is good, and what each fault is called."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import footage
from reelmill_stages.stages.write.check import WrittenCheck
from write.desk import Written, block, item, written
from write.test_write_lerobot import episodes, lerobot

Fault = Callable[[Path], None]


def made_in(format_: str, folder: Path) -> Written:
    if format_ == "lerobot":
        return written(lerobot(samplesPerFile=2), episodes(), folder)
    film = footage.video(seconds=0.5, fps=10, size=(64, 48))
    return written(block(format_, samplesPerFile=2), [item(film, number) for number in range(3)], folder)


def broken(folder: Path) -> set[str]:
    """The rules that are broken."""
    return {found.rule for found in WrittenCheck().check(folder) if not found.ok}


def edit(path: Path, change: Callable[[Any], None]) -> None:
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def first(folder: Path, pattern: str) -> Path:
    return min((folder / "0001").rglob(pattern))


def empty(folder: Path) -> None:
    """A shard without content, which the index knows."""
    first(folder, "*.mds").write_bytes(b"")
    edit(folder / "index.json", lambda told: told["shards"][0]["raw_data"].update(bytes=0))


@pytest.mark.parametrize("format_", ["parquet", "mds", "lerobot"])
def test_what_was_written_is_good(format_: str, tmp_path: Path) -> None:
    made = made_in(format_, tmp_path / "set")
    assert WrittenCheck().detect(made.folder)
    assert broken(made.folder) == set()


@pytest.mark.parametrize(
    ("format_", "fault", "rules"),
    [
        ("parquet", lambda folder: first(folder, "*.parquet").unlink(), {"readable"}),
        ("parquet", lambda folder: first(folder, "*.parquet").write_bytes(b"PAR1"), {"readable"}),
        ("mds", lambda folder: first(folder, "*.mds").unlink(), {"shard"}),
        ("mds", lambda folder: first(folder, "*.mds").write_bytes(b"1234"), {"shard"}),
        ("mds", empty, {"shard"}),
        ("mds", lambda folder: edit(folder / "index.json", lambda told: told["shards"][0].pop("raw_data")), {"shard"}),
        (
            "mds",
            lambda folder: edit(folder / "index.json", lambda told: told["shards"][0].update(samples=9)),
            {"shard"},
        ),
        (
            "mds",
            lambda folder: edit(folder / "index.json", lambda told: told["shards"][0]["column_names"].reverse()),
            {"shard", "columns"},
        ),
        ("lerobot", lambda folder: first(folder, "*.mp4").unlink(), {"readable"}),
        (
            "lerobot",
            lambda folder: first(folder, "*.mp4").write_bytes(sorted((folder / "0001").rglob("*.mp4"))[1].read_bytes()),
            {"times"},
        ),
        ("lerobot", lambda to: edit(to / "meta/info.json", lambda told: told.update(total_frames=1)), {"counts"}),
        ("lerobot", lambda folder: (folder / "meta/info.json").write_text("{}"), {"readable"}),
        ("lerobot", lambda to: edit(to / "meta/info.json", lambda told: told.pop("fps")), {"readable"}),
        ("lerobot", lambda to: edit(to / "meta/info.json", lambda told: told.update(fps=0)), {"readable"}),
        ("lerobot", lambda to: edit(to / "meta/info.json", lambda told: told.update(video_path="{0}")), {"readable"}),
    ],
)  # fmt: skip
def test_a_fault_is_a_finding_with_the_name_of_its_rule(
    format_: str, fault: Fault, rules: set[str], tmp_path: Path
) -> None:
    made = made_in(format_, tmp_path / "set")
    fault(made.folder)
    assert broken(made.folder) == rules


def test_another_folder_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[]")
    (tmp_path / "README.md").write_text("no front matter")
    assert not WrittenCheck().detect(tmp_path)
