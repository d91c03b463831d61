"""The reader of chunks: the original loader's item, and nothing decoded or read that is not in it."""

import json
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader

import multiview_set as driver
from chunks import chunk_place
from chunks.chunk_place import indexed, point_folders, take
from footage import frame_number
from reelmill.contract.errors import ItemError, NotFound, PreconditionFailed, SpecError
from reelmill_stages.datasets.chunks import ChunkSamples, _evenly_spaced, collate_chunks
from reelmill_stages.media.keypoints import file_name

pytestmark = pytest.mark.store
LABELS = [[0, 18, "left"], [25, 40, "right_up"]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return driver.put_all(tmp_path)


def item(root: Path, **more: Any) -> Any:
    """The night of person 01: range 10 to 58, labels and keypoints."""
    folder = root / "videos" / "01" / "夜多い"
    points = point_folders(root / "sam3d_body_results_right" / "01" / "夜多い")
    views = {view: folder / f"{view}.mp4" for view in driver.VIEWS}
    return take(views, **{"range": [10, 58], "labels": LABELS, "keypoints": points, **more})


Fields = dict[str, Any]


def samples(root: Path, params: Fields | None = None, fields: Fields | None = None, **asked: Any) -> Any:
    """A reader of the item's chunks, at most 20 frames each; frames come as they are."""
    folder = root / "chunks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    indexed(folder, item(root, **(fields or {})), **{"maxFrames": 20, **(params or {})})
    return ChunkSamples(str(folder), **{"size": None, "scale": False, **asked})


def numbers(video: torch.Tensor) -> list[list[int]]:
    """The numbers that the frames of each segment show."""
    return [[frame_number(frame.permute(1, 2, 0).numpy()) for frame in clip.transpose(0, 1)] for clip in video]


def test_002_p7_an_item_is_that_of_the_original_loader(root: Path) -> None:
    found = samples(root, size=(32, 48), scale=True, experiment="fold0")[0]
    assert list(found) == ["video", "sam3d_kpt", "label", "label_info", "meta"]
    for view in driver.VIEWS:
        assert (found["video"][view].shape, found["video"][view].dtype) == ((3, 3, 8, 32, 48), torch.float32)
        assert 0.0 <= float(found["video"][view].min()) < float(found["video"][view].max()) <= 1.0
        assert (found["sam3d_kpt"][view].shape, found["sam3d_kpt"][view].dtype) == ((3, 8, 52, 3), torch.float32)
    assert (found["label"].tolist(), found["label"].dtype) == ([0, 8, 4], torch.int64)
    assert found["label_info"] == ["left", "front", "right_up"]
    assert found["meta"] == {
        "experiment": "fold0", "index": 0, "person_id": "01", "env_folder": "夜多い", "env_key": "night_high",
        "start_frame": 0, "end_frame": 20, "fps": 25.0, "is_chunked": True,
        "chunk_info": {
            "chunk_idx": 0, "total_chunks": 3, "chunk_start_frame": 0, "chunk_end_frame": 20,
            "absolute_start_frame": 10, "absolute_end_frame": 30, "annotation_start": 10,
        },
    }  # fmt: skip


@pytest.mark.parametrize("output", ["index", "npy", "mp4"])
def test_002_f06_f07_all_outputs_and_views_show_the_same_exact_frames(root: Path, output: str) -> None:
    found = samples(root, {"output": output})[1]
    spread = [[30, 31, 33, 34, 35, 36, 38, 39], [40, 41, 43, 44, 45, 46, 48, 49]]
    for view in driver.VIEWS:
        assert numbers(found["video"][view]) == spread


def test_a_segment_gives_the_frames_that_the_original_loader_rounds_to(root: Path) -> None:
    found = samples(root, {"maxFrames": 40, "labels": False}, {"range": [0, 40]}, views=["left"])[0]
    assert numbers(found["video"]["left"]) == [[0, 6, 11, 17, 22, 28, 33, 39]]
    one = samples(root, {"maxFrames": 1, "labels": False}, {"range": [4, 5]}, views=["left"])[0]
    assert numbers(one["video"]["left"]) == [[4] * 8]


@given(st.integers(1, 5000), st.integers(1, 64))
def test_frames_are_spread_in_the_arithmetic_of_the_original_loader(length: int, count: int) -> None:
    expected = torch.round(torch.linspace(0, max(length - 1, 0), count, dtype=torch.float32)).long().tolist()
    assert _evenly_spaced(7, 7 + length, count) == [7 + place for place in expected]
    exact = [Fraction(number * (length - 1), max(count - 1, 1)) for number in range(count)]
    assert all(abs(place - true) <= Fraction(501, 1000) for place, true in zip(expected, exact, strict=True))


@pytest.mark.parametrize("size", [(12, 20), (32, 48), (70, 90)])
def test_frames_are_resized_as_torchvision_does_in_the_original_loader(root: Path, size: tuple[int, int]) -> None:
    whole = samples(root, views=["front"])[0]["video"]["front"]
    found = samples(root, views=["front"], size=size, scale=True)[0]["video"]["front"]
    plain = samples(root, views=["front"], size=size)[0]["video"]["front"]
    for segment, resized, rounded in zip(whole, found, plain, strict=True):
        theirs = interpolate(
            segment.transpose(0, 1).float() / 255, size=size, mode="bilinear", align_corners=False, antialias=True
        ).transpose(0, 1)
        torch.testing.assert_close(resized, theirs)
        assert (rounded.float() - theirs * 255).abs().max() <= 0.5 + 1e-3
    channel = Image.fromarray(whole[0, 0, 0].numpy().astype(np.float32))
    pillows = np.asarray(channel.resize(size[::-1], Image.Resampling.BILINEAR)) / 255
    np.testing.assert_allclose(found[0, 0, 0].numpy(), pillows, atol=1e-5)


@pytest.mark.parametrize("output", ["index", "npy", "mp4"])
def test_002_p6_and_d18_a_chunk_has_exactly_its_frames(root: Path, output: str) -> None:
    reader = samples(root, {"output": output, "labels": False}, frames=None, views=["left"])
    shown = [numbers(reader[chunk]["video"]["left"])[0] for chunk in range(len(reader))]
    assert shown == [list(range(10, 30)), list(range(30, 50)), list(range(50, 58))]


def test_002_p4_and_d29_the_annotations_start_moves_frames_labels_and_keypoints_once(root: Path) -> None:
    found = samples(
        root, {"maxFrames": 10}, {"range": [40, 58], "labels": [[45, 50, "up"]]}, frames=None, views=["front"]
    )
    assert [len(found), found[0]["label_info"]] == [2, ["front", "up"]]
    assert numbers(found[0]["video"]["front"]) == [[40, 41, 42, 43, 44], [45, 46, 47, 48, 49]]
    assert found[0]["sam3d_kpt"]["front"][:, :, 0, 0].tolist() == [[40, 41, 42, 43, 44], [45, 46, 47, 48, 49]]


@pytest.mark.parametrize("output", ["index", "npy"])
def test_002_f09_and_p7_keypoints_go_by_global_frame_numbers_padded_to_the_longest_segment(
    root: Path, output: str
) -> None:
    points = samples(root, {"output": output})[0]
    first = points["sam3d_kpt"]["right"][..., 0, 0].tolist()
    assert first == [list(range(10, 18)), [*range(18, 25), 0.0], [*range(25, 30), 0.0, 0.0, 0.0]]


def test_002_p7_a_frame_without_keypoints_is_zero_and_a_chunk_without_any_is_1_17_3(root: Path) -> None:
    (root / "sam3d_body_results_right" / "01" / "夜多い" / "left" / file_name(12)).unlink()
    found = samples(root)[0]["sam3d_kpt"]
    assert found["left"][0, :, 0, 0].tolist() == [10, 11, 0, 13, 14, 15, 16, 17]
    none = samples(root, fields={"keypoints": {}})[0]["sam3d_kpt"]
    assert {view: tuple(points.shape) for view, points in none.items()} == dict.fromkeys(driver.VIEWS, (3, 1, 17, 3))


def test_002_f10_what_is_not_asked_for_is_neither_returned_nor_read(root: Path) -> None:
    without = samples(root, load_kpt=False)
    only = samples(root, views=["front"], load_kpt=False)
    points = samples(root, load_rgb=False)
    kept = shutil.move(root / "sam3d_body_results_right", root / "away")
    assert without[0]["sam3d_kpt"] == {}
    assert without[0]["video"]["front"].shape[0] == 3
    shutil.move(kept, root / "sam3d_body_results_right")
    for view in ("left", "right"):
        (root / "videos" / "01" / "夜多い" / f"{view}.mp4").unlink()
    assert list(only[0]["video"]) == ["front"]
    (root / "videos" / "01" / "夜多い" / "front.mp4").unlink()
    assert points[0]["video"] == {}
    assert points[0]["sam3d_kpt"]["front"].shape == (3, 8, 52, 3)


def test_002_f04_and_d16_only_the_chunks_own_frames_are_decoded(root: Path) -> None:
    path = root / "videos" / "01" / "夜多い" / "front.mp4"
    data = bytearray(path.read_bytes())
    path.unlink()
    box = data.index(b"mdat")
    size = int.from_bytes(data[box - 4 : box], "big") - 8
    data[box + 4 + 3 * size // 4 : box + 4 + size] = b"\xaa" * (size - 3 * size // 4)
    path.write_bytes(data)
    reader = samples(root, views=["front"], load_kpt=False)
    assert numbers(reader[0]["video"]["front"])[0][0] == 10
    with pytest.raises(ItemError, match=r"front\.mp4: frame 5\d of 60 cannot be decoded"):
        reader[2]


@pytest.mark.parametrize("workers", ["fork", "spawn"])
def test_002_f03_every_chunk_is_a_sample_of_its_own_in_any_order_and_any_worker(root: Path, workers: str) -> None:
    reader = samples(root, load_kpt=False)
    reader[0]
    loader = DataLoader(reader, batch_size=None, shuffle=True, num_workers=2, multiprocessing_context=workers)
    found = {sample["meta"]["chunk_info"]["chunk_idx"]: sample for sample in loader}
    assert sorted(found) == [0, 1, 2]
    assert len(reader) == 3
    for number, sample in found.items():
        assert torch.equal(sample["video"]["left"], reader[number]["video"]["left"])


def test_002_f13_transforms_are_per_chunk_and_statistics_are_passed_in(root: Path) -> None:
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    plain = samples(root, size=(32, 48), scale=True)[0]["video"]["front"]
    given = samples(root, size=(32, 48), scale=True, mean=mean, std=std)[0]["video"]["front"]
    shape = (1, 3, 1, 1, 1)
    torch.testing.assert_close(given, (plain - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape))
    shapes: list[tuple[int, ...]] = []

    def cropped(segment: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(segment.shape))
        return segment[:4, :, 4:20, 8:24]

    found = samples(root, size=(32, 48), scale=True, transform=cropped, views=["front"])[0]["video"]["front"]
    assert shapes == [(8, 3, 32, 48)] * 3
    assert torch.equal(found, plain[:, :, :4, 4:20, 8:24])


def test_002_f04_the_log_tells_the_memory_of_samples_as_it_is(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="reelmill_stages.datasets"):
        reader = samples(root, size=(32, 48), scale=True)
        found = reader[1]
    size = sum(each.nbytes for part in ("video", "sam3d_kpt") for each in found[part].values())
    assert caplog.messages[0] == "Video chunking enabled: 1 videos -> 3 chunks (max 20 frames/chunk)"
    assert caplog.messages[1:3] == ["Whole dataset: 3 samples", "Each sample: at most 20 frames per video"]
    assert caplog.messages[3].startswith("Memory per sample: at most ")
    assert caplog.messages[4] == f"sample 1: 20 frames, {size / 1e6:.1f} MB"


def test_002_f11_validation_takes_the_same_options(root: Path) -> None:
    driver_split = {"split": "val"}
    assert len(samples(root, {"maxFrames": 25}, driver_split, split="val")) == 2
    assert len(samples(root, {"maxFrames": 25}, driver_split, split="train")) == 0


def test_002_f02_dataset_length_is_the_sum_of_chunks(root: Path) -> None:
    folder = root / "two"
    folder.mkdir()
    indexed(folder, item(root), item(root, range=[0, 60]), maxFrames=25)
    assert len(ChunkSamples(str(folder))) == 2 + 3


def test_several_chunks_make_one_batch(root: Path) -> None:
    batch = next(iter(DataLoader(samples(root), batch_size=3, collate_fn=collate_chunks)))
    assert batch["video"]["left"].shape[:3] == (6, 3, 8)
    assert batch["sam3d_kpt"]["left"].shape == (6, 10, 52, 3)
    assert batch["label"].tolist() == [0, 8, 4, 4, 8, 8]
    assert [meta["chunk_info"]["chunk_idx"] for meta in batch["meta"]] == [0, 1, 2]


def test_a_chunk_without_labels_is_one_segment_of_no_class(root: Path) -> None:
    found = samples(root, {"labels": False})[2]
    assert (found["label"].tolist(), found["label_info"]) == ([-1], [""])
    assert found["video"]["front"].shape[:3] == (1, 3, 8)


def test_002_p7_segments_of_unequal_length_are_told_not_stacked(root: Path) -> None:
    with pytest.raises(SpecError, match="segments of different lengths cannot be stacked"):
        samples(root, frames=None)[0]


def test_stored_arrays_come_in_their_own_size_and_no_other(root: Path) -> None:
    small = {"output": "npy", "width": 48, "height": 32, "keypoints": False}
    assert samples(root, small)[0]["video"]["front"].shape[3:] == (32, 48)
    with pytest.raises(SpecError, match="the stored frames are 32x48, not 16x16"):
        samples(root, small, size=(16, 16))[0]


def test_a_video_that_was_replaced_is_never_read_as_the_one_that_was_indexed(root: Path) -> None:
    reader = samples(root, views=["front"])
    path = root / "videos" / "01" / "夜多い" / "front.mp4"
    path.unlink()
    shutil.copyfile(driver.film(60, fps=30), path)
    with pytest.raises(PreconditionFailed, match="the object has changed"):
        reader[1]


def test_a_folder_without_an_index_and_a_view_that_is_not_there_are_reported(root: Path) -> None:
    with pytest.raises(NotFound, match=r"chunk_index\.json"):
        ChunkSamples(str(root))
    with pytest.raises(SpecError, match="no view named 'rear'"):
        samples(root, views=["rear"])[0]


def test_keypoints_that_are_broken_are_named(root: Path) -> None:
    path = root / "sam3d_body_results_right" / "01" / "夜多い" / "front" / file_name(11)
    np.savez(path, output=np.array({"pred_keypoints_3d": np.zeros((5, 3))}, dtype=object))
    with pytest.raises(SpecError, match="000011_sam3d_body"):
        samples(root)[0]


def test_002_f04_reading_a_chunk_takes_little_more_memory_than_the_chunk(tmp_path: Path) -> None:
    film = driver.film(1000, size=(320, 192))
    indexed(tmp_path, take({"front": film}), maxFrames=500)
    command = [sys.executable, Path(chunk_place.__file__).with_name("memory_of_chunks.py"), "read", tmp_path]
    for chunk in ("0", "1"):
        said = subprocess.run([*command, chunk, film], check=True, capture_output=True, text=True).stdout
        found = json.loads(said.splitlines()[-1])
        assert found["output"] == pytest.approx(500 * 320 * 192 * 3 / 2**20)
        assert found["peak"] - found["before"] <= 1.1 * found["output"] + 100
