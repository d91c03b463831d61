"""A folder of `write: {format: lerobot}` opens in the lerobot package: every frame of every episode, and grown."""

import json
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.records.rows import Item
from trainers.environments import seen_by
from trainers.folders import unchanged_by
from trainers.snippets import said_by
from write.desk import Written, written
from write.test_write_lerobot import episode, episodes, film, lerobot


def expected(items: list[Item]) -> list[dict[str, Any]]:
    """What each frame of these episodes must be, by the decoder of the package."""
    views: list[Any] = [one.fields["views"] for one in items]
    paths = [told["uri"] for one in views for told in one.values()]
    pictures = iter(seen_by("lerobot", "", json.dumps(paths)))
    found: list[dict[str, Any]] = []
    for number, (one, cameras) in enumerate(zip(items, views, strict=True)):
        frames = {name: next(pictures) for name in cameras}
        found += [
            {
                "places": [len(found) + place, number, place],
                "time": pytest.approx(place / 10),
                "task": one.fields["text"],
                "cameras": {name: digests[place] for name, digests in frames.items()},
            }
            for place in range(len(frames["front"]))
        ]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three episodes of two cameras."""
    return written(lerobot(), episodes(), tmp_path_factory.mktemp("lerobot") / "set").folder


def test_015_f10_every_frame_of_every_episode_is_that_of_the_source(folder: Path) -> None:
    with unchanged_by(folder):
        assert seen_by("lerobot", folder, "whole") == expected(episodes())


def test_015_f10_two_workers_that_shuffle_read_every_frame_once(folder: Path) -> None:
    seen = seen_by("lerobot", folder, "shuffled")
    in_order = sorted(seen, key=lambda one: one["places"])
    assert in_order == expected(episodes())
    assert seen != in_order


def test_015_f05_a_grown_folder_gives_the_new_episodes_too(tmp_path: Path) -> None:
    grown = Written(lerobot(samplesPerFile=2), tmp_path / "set")
    grown.add(episodes())
    more = [episode(3, front=film(8), side=film(8, options=("-bf", "0")))]
    grown.add(more)
    assert seen_by("lerobot", grown.folder, "whole") == expected([*episodes(), *more])


def test_the_code_on_the_page_reads_the_folder(folder: Path) -> None:
    lines = said_by("lerobot", "lerobot", folder)
    assert lines[0] == "0 task 0 (3, 48, 64)"
    assert len(lines) == 21
