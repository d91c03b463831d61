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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three episodes of two cameras."""
    return written(lerobot(), episodes(), tmp_path_factory.mktemp("lerobot") / "set").folder


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in small files, and two more episodes."""
    found = Written(lerobot(samplesPerFile=2), tmp_path_factory.mktemp("grown") / "set")
    found.add(episodes())
    found.add(more())
    return found.folder


def more() -> list[Item]:
    """One episode with other settings of the decoder, and one of a single frame."""
    return [
        episode(3, front=film(8), side=film(8, options=("-bf", "0"))),
        episode(4, front=film(1), side=film(1, audio=False)),
    ]


def views(items: list[Item]) -> list[Any]:
    return [one.fields["views"] for one in items]


@pytest.fixture(scope="module")
def lerobot_samples(folder: Path, grown: Path) -> dict[str, Any]:
    """What the package sees in both, in one process."""
    paths = [told["uri"] for one in views([*episodes(), *more()]) for told in one.values()]
    asked = {mode: [mode, str(folder)] for mode in ("whole", "shuffled", "stats")}
    with unchanged_by(folder):
        found: dict[str, Any] = seen_by(
            "lerobot", json.dumps({**asked, "grown": ["whole", str(grown)], "videos": ["videos", paths]})
        )
    return found


def expected(items: list[Item], lerobot_samples: dict[str, Any]) -> list[dict[str, Any]]:
    """What each frame of these episodes must be, by the decoder of the package."""
    pictures = iter(lerobot_samples["videos"])
    found: list[dict[str, Any]] = []
    for number, (one, cameras) in enumerate(zip(items, views(items), strict=True)):
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


def test_015_f10_every_frame_of_every_episode_is_that_of_the_source(lerobot_samples: dict[str, Any]) -> None:
    assert lerobot_samples["whole"] == expected(episodes(), lerobot_samples)


def test_015_f10_two_workers_that_shuffle_read_every_frame_once(lerobot_samples: dict[str, Any]) -> None:
    in_order = sorted(lerobot_samples["shuffled"], key=lambda one: one["places"])
    assert in_order == expected(episodes(), lerobot_samples)
    assert lerobot_samples["shuffled"] != in_order


def test_015_f05_a_grown_folder_gives_the_new_episodes_too(lerobot_samples: dict[str, Any]) -> None:
    assert lerobot_samples["grown"] == expected([*episodes(), *more()], lerobot_samples)


def test_statistics_are_those_that_the_package_computes(lerobot_samples: dict[str, Any]) -> None:
    # Ours are levels and numbers that there are; the package interpolates in narrow bins around them.
    assert {name for name in lerobot_samples["stats"] if "images" in name} == {
        f"observation.images.{one}" for one in ("front", "side")
    }
    assert {one for stats in lerobot_samples["stats"].values() for one, apart in stats.items() if apart > 1e-3} == set()


def test_the_code_on_the_page_reads_the_folder(folder: Path) -> None:
    lines = said_by("lerobot", "lerobot", folder)
    assert lines[0] == "0 task 0 (3, 48, 64)"
    assert len(lines) == 21
