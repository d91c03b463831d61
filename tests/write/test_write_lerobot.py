"""`write: {format: lerobot}`: joined videos, and tables of episodes and frames, read by PyAV and pyarrow."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import footage
from reelmill.contract.records.rows import Item, Media
from reelmill_stages.stages.write.formats.lerobot_stats import FeatureTotals, number_stats, sampled
from write.desk import Written, block, digests, written

OPTIONS = {"fps": 10, "width": 64, "height": 48}
FRAMES = (5, 9, 7)


def film(frames: int, **more: Any) -> Path:
    return footage.video(seconds=frames / 10, **{"fps": 10, "size": (64, 48), **more})


def episode(number: int, **views: Path) -> Item:
    media = {name: Media(str(path), path.stat().st_size, source="raw").to_json() for name, path in views.items()}
    return Item(f"take {number}", number, "a", 1.0, fields={"text": f"task {number % 2}", "views": media})


def episodes() -> list[Item]:
    """Three episodes of two cameras."""
    return [episode(number, front=film(count), side=film(count, audio=False)) for number, count in enumerate(FRAMES)]


def lerobot(**more: Any) -> Any:
    return block("lerobot", **{"lerobot": OPTIONS, "views": ["front", "side"], **more})


def pictures(path: Path) -> list[tuple[Fraction, bytes]]:
    """(time, content) of each frame that a player shows."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base
        return [(frame.pts * stream.time_base, frame.to_ndarray().tobytes()) for frame in container.decode(stream)]


def shown(folder: Path) -> list[dict[str, list[bytes]]]:
    """Camera -> the frames in the time window of each episode."""
    info = json.loads((folder / "meta/info.json").read_text())
    found = []
    for row in parquet.read_table(folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist():
        cameras = {}
        for key in (name for name, feature in info["features"].items() if feature["dtype"] == "video"):
            told = {name: row[f"videos/{key}/{name}"] for name in ("chunk_index", "file_index")}
            start, end = (row[f"videos/{key}/{name}_timestamp"] for name in ("from", "to"))
            path = folder / info["video_path"].format(video_key=key, **told)
            cameras[key.rpartition(".")[2]] = [data for time, data in pictures(path) if start <= time < end]
        found.append(cameras)
    return found


def expected(items: list[Item]) -> list[dict[str, list[bytes]]]:
    views: list[Any] = [one.fields["views"] for one in items]
    return [{name: [data for _, data in pictures(Path(told["uri"]))] for name, told in one.items()} for one in views]


def test_015_f10_and_p1_the_window_of_an_episode_shows_exactly_its_frames(tmp_path: Path) -> None:
    made = written(lerobot(), episodes(), tmp_path / "set")
    assert not made.failed
    assert [len(one["front"]) for one in shown(made.folder)] == list(FRAMES)
    assert shown(made.folder) == expected(episodes())
    assert len(list((made.folder / "0001").rglob("*.mp4"))) == 2, "the episodes of a camera are in one file"


def test_015_f10_every_frame_has_a_row_and_its_time(tmp_path: Path) -> None:
    made = written(lerobot(), episodes(), tmp_path / "set")
    table = parquet.read_table(made.folder / "data/chunk-000/file-000.parquet")
    assert table["index"].to_pylist() == list(range(sum(FRAMES)))
    assert table["frame_index"].to_pylist() == [place for count in FRAMES for place in range(count)]
    assert table["timestamp"].to_pylist() == [np.float32(place / 10) for count in FRAMES for place in range(count)]
    assert parquet.read_table(made.folder / "meta/tasks.parquet").to_pydict() == {
        "task_index": [0, 1],
        "task": ["task 0", "task 1"],
    }
    info = json.loads((made.folder / "meta/info.json").read_text())
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (3, sum(FRAMES), 2)


@pytest.mark.parametrize(
    ("views", "reason", "said"),
    [
        ({"front": film(5), "side": film(6)}, "short_view", "front has 5 frames, side has 6 frames"),
        ({"front": film(5)}, "no_view", "no view side"),
        ({"front": film(5), "side": film(5, size=(96, 48))}, "frame_size", "96x48, not 64x48"),
        ({"front": film(5), "side": film(5, fps=8)}, "frame_rate", "frame 1"),
    ],
    ids=str,
)
def test_015_f04_an_episode_that_does_not_fit_fails_alone(
    views: dict[str, Path], reason: str, said: str, tmp_path: Path
) -> None:
    made = written(lerobot(), [episode(7, **views), *episodes()], tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {"take 7": reason}
    assert said in made.failed["take 7"].message
    assert shown(made.folder) == expected(episodes())


def test_an_episode_that_lost_a_packet_fails_alone(tmp_path: Path) -> None:
    whole = film(20, size=(64, 48), audio=False, container="ts", codec="mpeg2video", options=("-g", "5"))
    data, lossy = whole.read_bytes(), tmp_path / "lossy.ts"
    # Its payload is video (PID 0x100), and no beginning of a picture.
    at = next(at for at in range(len(data) // 2 // 188 * 188, len(data), 188) if data[at + 1 : at + 3] == b"\x01\x00")
    lossy.write_bytes(data[:at] + data[at + 188 :])
    items = [episode(number, front=path) for number, path in enumerate((whole, lossy))]
    made = written(lerobot(views=["front"]), items, tmp_path / "set")
    assert {key: one.reason for key, one in made.failed.items()} == {"take 1": "corrupt"}


def test_a_video_with_other_settings_begins_another_file(tmp_path: Path) -> None:
    other = film(5, options=("-bf", "0"))
    items = [*episodes()[:1], episode(1, front=other, side=film(5)), *episodes()[2:]]
    made = written(lerobot(), items, tmp_path / "set")
    assert shown(made.folder) == expected(items)
    assert len(list((made.folder / "0001").rglob("*.front/*.mp4"))) == 3
    assert len(list((made.folder / "0001").rglob("*.side/*.mp4"))) == 1


def test_015_f05_growth_keeps_videos_and_numbers_and_any_division_gives_the_same_files(tmp_path: Path) -> None:
    one = Written(lerobot(samplesPerFile=1), tmp_path / "one")
    two = Written(lerobot(samplesPerFile=1), tmp_path / "two")
    one.add(episodes())
    two.add(episodes(), shards=3)
    assert digests(one.folder) == digests(two.folder)
    one.add([episode(3, front=film(8), side=film(8))])
    grown = shown(one.folder)
    assert grown[:3] == expected(episodes())
    assert len(grown[3]["side"]) == 8


def rgb(path: Path) -> np.ndarray:
    """(pixels, 3) of all frames."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray(format="rgb24").reshape(-1, 3) for frame in container.decode(video=0)])


def test_statistics_are_those_of_the_pictures_and_numbers(tmp_path: Path) -> None:
    made = written(lerobot(), episodes(), tmp_path / "set")
    stats = json.loads((made.folder / "meta/stats.json").read_text())
    pixels = np.concatenate([rgb(film(count)) for count in FRAMES]) / 255
    front = {name: np.array(value).ravel() for name, value in stats["observation.images.front"].items()}
    assert np.array(stats["observation.images.front"]["mean"]).shape == (3, 1, 1)
    assert front["count"] == [sum(FRAMES)]
    for name, wanted in (
        ("min", pixels.min(0)),
        ("max", pixels.max(0)),
        ("mean", pixels.mean(0)),
        ("std", pixels.std(0)),
    ):
        assert front[name] == pytest.approx(wanted, abs=1e-6), name
    index = np.arange(sum(FRAMES))
    told = stats["index"]
    assert (told["min"], told["max"], told["count"]) == ([0.0], [20.0], [21])
    assert (told["mean"], told["std"]) == ([pytest.approx(index.mean())], [pytest.approx(index.std())])
    rows = parquet.read_table(made.folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    for number, row in enumerate(rows):
        shown = rgb(film(FRAMES[number])) / 255
        for share, name in ((0.01, "q01"), (0.5, "q50"), (0.99, "q99")):
            wanted = np.quantile(shown, share, axis=0, method="inverted_cdf")
            assert np.ravel(row[f"stats/observation.images.side/{name}"]) == pytest.approx(wanted), name
        assert row["stats/frame_index/q50"] == [(FRAMES[number] - 1) // 2]


def test_statistics_can_be_left_out(tmp_path: Path) -> None:
    made = written(lerobot(lerobot={**OPTIONS, "statistics": False}), episodes(), tmp_path / "set")
    assert not (made.folder / "meta/stats.json").exists()
    names = parquet.read_table(made.folder / "meta/episodes/chunk-000/file-000.parquet").column_names
    assert not [name for name in names if name.startswith("stats/")]
    assert shown(made.folder) == expected(episodes())


def test_long_videos_are_sampled_as_lerobot_does() -> None:
    assert [len(sampled(frames)) for frames in (1, 5, 100, 500, 1000, 10_000)] == [1, 5, 100, 105, 177, 1000]
    assert (sampled(1000)[0], sampled(1000)[-1]) == (0, 999)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_totals_of_any_division_are_those_of_the_whole(lengths: list[int], random: Any) -> None:
    numbers = np.array([random.uniform(-5, 5) for _ in range(sum(lengths))])
    totals = FeatureTotals()
    for part in np.split(numbers, np.cumsum(lengths)[:-1]):
        totals.add("x", number_stats(part))
    found, whole = totals.found["x"], number_stats(numbers)
    for name in ("count", "min", "max", "mean", "std"):
        assert found[name] == pytest.approx(whole[name], abs=1e-9), name


def test_columns_are_columns_of_the_episodes(tmp_path: Path) -> None:
    columns = [{"field": "note", "type": "string", "missing": "null"}]
    made = written(lerobot(columns=columns), episodes(), tmp_path / "set")
    table = parquet.read_table(made.folder / "meta/episodes/chunk-000/file-000.parquet")
    assert table["key"].to_pylist() == ["take 0", "take 1", "take 2"]
    assert table["note"].to_pylist() == [None] * 3
