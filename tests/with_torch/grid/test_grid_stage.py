"""The grid stage at a desk, with a small model: parts, classes, refusals, merging, and stored beside live features."""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from grid.gallery import Features, image_item, picture
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.stage import Assembled, Done, Input, Kept, Refused, Shard
from reelmill_stages.stages.grid.containers import SUFFIXES, opened
from reelmill_stages.stages.grid.live import compare
from reelmill_stages.stages.grid.stage import GridStage
from with_torch.grid.tiny_clip import config, model, saved
from worker_desk import Desk

pytestmark = pytest.mark.store


class Small(GridStage):
    """The stage with the small model."""

    config = config()


def block(folder: Path, **fields) -> GridBlock:
    weights = fields.pop("path", None) or saved(folder / "weights.pt")
    return GridBlock.model_validate({"weights": {"uri": str(weights)}, "imagesPerFile": 4, "batchSize": 3, **fields})


def processed(stage: GridStage, folder: Path, ids: list[int]) -> list[tuple[Input, Done]]:
    made = []
    for number, image in enumerate(ids):
        path = picture(folder / "images" / f"x_{image:06d}.jpg", image, (300, 240))
        given = Input(image_item(path, image, number, split="train2014"), number)
        (result,) = stage.process([given], Desk(folder / "work" / str(number)))
        made.append((given, result))
    return made


def assembled(
    stage: GridStage, folder: Path, results: list[tuple[Input, Done]], first: int = 0
) -> Iterator[Assembled | Refused]:
    scratch = folder / "0001"
    scratch.mkdir(exist_ok=True)
    shard = Shard(0, 1, first, len(results), 1, scratch, Desk(folder).read)
    return stage.assemble((Kept(given, done) for given, done in results), shard)


def items(made: list[Assembled | Refused], root: str = "features/0123456789") -> list[Item]:
    """As a commit makes them."""
    return [
        Item(new.key, 0, new.group, new.weight, Media(f"{root}/0001/{new.media}", 1), fields=new.fields)
        for one in made
        if isinstance(one, Assembled)
        for new in one.items
    ]


def features(folder: Path) -> dict[str, np.ndarray]:
    found = {}
    for path in sorted(folder.glob("0001/features-*")):
        reader = opened(path)
        found |= {name: reader.array(name) for name in reader.names()}
        reader.close()
    return found


def test_parts_hold_fixed_stretches_of_the_input_however_shards_are_cut(tmp_path: Path) -> None:
    stage = Small(block(tmp_path))
    results = processed(stage, tmp_path, list(range(1, 10)))
    for name, cuts in (("one", [(0, 9)]), ("three", [(0, 4), (4, 8), (8, 9)])):
        (tmp_path / name).mkdir()
        for first, end in cuts:
            list(assembled(stage, tmp_path / name, results[first:end], first))
    names = [path.name for path in sorted((tmp_path / "one/0001").iterdir())]
    assert names == [f"features-{first:09d}.hdf5" for first in (0, 4, 8)]
    assert all(
        (tmp_path / f"one/0001/{name}").read_bytes() == (tmp_path / f"three/0001/{name}").read_bytes() for name in names
    )
    assert sorted(features(tmp_path / "one")) == [f"{n}_grids" for n in range(1, 10)]


@pytest.mark.parametrize("container", ["hdf5", "npz", "pt", "lmdb"])
def test_004_f11_every_container_holds_the_same_features(container: str, tmp_path: Path) -> None:
    stage = Small(block(tmp_path, container=container))
    made = list(assembled(stage, tmp_path, processed(stage, tmp_path, [7, 8])))
    (tmp_path / "plain").mkdir()
    plain = Small(block(tmp_path))
    list(assembled(plain, tmp_path / "plain", processed(plain, tmp_path / "plain", [7, 8])))
    ours, theirs = features(tmp_path), features(tmp_path / "plain")
    assert all(np.array_equal(ours[name], theirs[name]) for name in ("7_grids", "8_grids"))
    assert made[-1].file.name.endswith(SUFFIXES[container])
    if container == "pt":
        found = torch.load(tmp_path / "0001" / made[-1].file.name, weights_only=True)
        assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {
            "7_grids": (49, 64),
            "8_grids": (49, 64),
        }
    reader = opened(tmp_path / "0001" / made[-1].file.name)
    assert reader.attributes["images"] == 2
    assert json.loads(reader.attributes["splits"]) == {"train2014": 2}


def test_004_f04_float16_is_the_rounded_float32(tmp_path: Path) -> None:
    for name, dtype in (("a", "float32"), ("b", "float16")):
        (tmp_path / name).mkdir()
        stage = Small(block(tmp_path / name, dtype=dtype))
        list(assembled(stage, tmp_path / name, processed(stage, tmp_path / name, [1])))
    one, other = features(tmp_path / "a")["1_grids"], features(tmp_path / "b")["1_grids"]
    assert (one.dtype, other.dtype) == (np.float32, np.float16)
    assert np.array_equal(one.astype(np.float16), other)


def test_004_f10_the_file_says_model_weights_grid_space_fit_and_versions(tmp_path: Path) -> None:
    stage = Small(block(tmp_path, space="projected", fit="squash"))
    list(assembled(stage, tmp_path, processed(stage, tmp_path, [1])))
    with h5py.File(tmp_path / "0001/features-000000000.hdf5") as file:
        said = dict(file.attrs)
    assert {name: said[name] for name in ("model", "grid", "space", "fit", "dtype", "device")} == {
        "model": "ViT-B-16", "grid": "7x7", "space": "projected", "fit": "squash", "dtype": "float32", "device": "cpu",
    }  # fmt: skip
    assert said["weights"].startswith("sha256:")
    assert {"torch", "open-clip-torch", "pillow"} <= set(json.loads(said["versions"]))


def test_features_that_are_not_numbers_are_one_failed_row_each_and_the_others_stay(tmp_path: Path) -> None:
    stage = Small(block(tmp_path))
    list(assembled(stage, tmp_path, processed(stage, tmp_path, [1, 2, 3])))
    largest = {name: np.abs(array).max() for name, array in features(tmp_path).items()}
    low, high = sorted(largest.values())[1:]
    scale = float(65504 / ((low + high) / 2))
    state = model().state_dict()
    changed = {f"visual__ln_post__{part}": state[f"visual.ln_post.{part}"] * scale for part in ("weight", "bias")}
    (tmp_path / "b").mkdir()
    stage = Small(block(tmp_path, dtype="float16", path=saved(tmp_path / "large.pt", **changed)))
    made = list(assembled(stage, tmp_path / "b", processed(stage, tmp_path / "b", [1, 2, 3])))
    (refused,) = (one for one in made if isinstance(one, Refused))
    loud = int(max(largest, key=largest.__getitem__).split("_")[0])
    assert (refused.number, refused.reason) == (loud - 1, "not_finite")
    assert len(features(tmp_path / "b")) == 2


def test_where_all_of_a_part_is_refused_there_is_no_file(tmp_path: Path) -> None:
    state = model().state_dict()
    changed = {"visual__ln_post__weight": state["visual.ln_post.weight"] * 1e6}
    stage = Small(block(tmp_path, dtype="float16", path=saved(tmp_path / "large.pt", **changed)))
    made = list(assembled(stage, tmp_path, processed(stage, tmp_path, [1, 2])))
    assert [type(one) for one in made] == [Refused, Refused]
    assert not list((tmp_path / "0001").iterdir())


def test_two_images_of_one_id_in_a_shard_are_one_array_and_one_failed_row(tmp_path: Path) -> None:
    stage = Small(block(tmp_path))
    made = list(assembled(stage, tmp_path, processed(stage, tmp_path, [5, 5])))
    assert [one.reason for one in made if isinstance(one, Refused)] == ["duplicate_id"]
    assert list(features(tmp_path)) == ["5_grids"]


def test_004_p3_labels_lie_in_files_of_their_own_196_to_an_image(tmp_path: Path) -> None:
    torch.save(torch.randn(6, 16, generator=torch.Generator().manual_seed(4)), tmp_path / "book.pt")
    stage = Small(block(tmp_path, labels={"uri": str(tmp_path / "book.pt")}))
    made = list(assembled(stage, tmp_path, processed(stage, tmp_path, [1, 2])))
    assert [one.file.name for one in made] == ["labels-000000000.hdf5", "features-000000000.hdf5"]
    with h5py.File(tmp_path / "0001/labels-000000000.hdf5") as file:
        assert sorted(file) == ["1_labels", "2_labels"]
        assert (file["1_labels"].shape, file["1_labels"].dtype) == ((196,), np.int64)
        assert file.attrs["codebook"].startswith("sha256:")
    merged = {file.name: file.path for file in stage.present(Features(tmp_path, items(made)), {})}
    assert set(merged) == {"grids.hdf5", "labels.hdf5"}
    with h5py.File(merged["grids.hdf5"]) as file:
        assert sorted(file) == ["1_grids", "2_grids"]


@pytest.mark.parametrize("container", ["hdf5", "npz", "lmdb"])
def test_d27_parts_become_one_file_with_the_arrays_and_the_counts_of_all(container: str, tmp_path: Path) -> None:
    stage = Small(block(tmp_path, container=container, imagesPerFile=2))
    made = list(assembled(stage, tmp_path, processed(stage, tmp_path, [3, 1, 2, 10, 4])))
    data = Features(tmp_path, items(made))
    (file,) = stage.present(data, {})
    merged = opened(file.path)
    parts = features(tmp_path)
    assert sorted(merged.names()) == sorted(parts)
    assert all(np.array_equal(merged.array(name), array) for name, array in parts.items())
    assert (merged.attributes["images"], merged.attributes["splits"]) == (5, '{"train2014": 5}')
    merged.close()
    again = file.path.read_bytes()
    assert next(iter(stage.present(data, {}))).path.read_bytes() == again


def test_one_id_from_two_sources_is_refused_when_the_files_are_merged(tmp_path: Path) -> None:
    stage = Small(block(tmp_path))
    made = items(list(assembled(stage, tmp_path, processed(stage, tmp_path, [1]))))
    twice = [*made, Item("val/x_1.jpg", 1, "g", 1.0, made[0].media, fields=made[0].fields)]
    with pytest.raises(SpecError, match="both image 1"):
        list(stage.present(Features(tmp_path, twice), {}))


def test_004_f08_d25_stored_features_are_compared_with_live_ones_like_with_like(tmp_path: Path) -> None:
    stage = Small(block(tmp_path, space="projected"))
    list(assembled(stage, tmp_path, processed(stage, tmp_path, [1, 2, 3])))
    images = sorted((tmp_path / "images").iterdir())
    part = tmp_path / "0001/features-000000000.hdf5"
    found = list(compare(part, tmp_path / "weights.pt", images, config=config()))
    assert [one.image_id for one in found] == [1, 2, 3]
    assert all(one.same and one.difference < 1e-5 for one in found)
    with h5py.File(part, "r+") as file:
        file["2_grids"][7, 3] += 0.5
    assert [one.same for one in compare(part, tmp_path / "weights.pt", images, config=config())] == [True, False, True]
    other = saved(tmp_path / "other.pt", visual__proj=torch.zeros(64, 16))
    with pytest.raises(SpecError, match="other weights"):
        list(compare(part, other, images, config=config()))
    with pytest.raises(SpecError, match="9_grids not found"):
        list(compare(part, tmp_path / "weights.pt", [picture(tmp_path / "x_9.jpg")], config=config()))


def test_weights_and_codebook_are_looked_at_before_any_image(tmp_path: Path) -> None:
    stage = Small(block(tmp_path, path=saved(tmp_path / "w.pt", visual__proj=None)))
    with pytest.raises(SpecError, match=r"visual\.proj"):
        stage.check_files(lambda ref: Path(ref.uri))
    stage.check()
