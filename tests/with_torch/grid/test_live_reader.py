"""Features computed while training: those of a stored file, in the same form, without writing them."""

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from grid.gallery import coco, picture
from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.datasets.grids import GridFeatures
from reelmill_stages.datasets.live_grids import LiveGridFeatures
from reelmill_stages.stages.grid.containers import container
from reelmill_stages.stages.grid.extract import Extractor
from reelmill_stages.stages.grid.keys import key
from reelmill_stages.stages.grid.pixels import pixels
from reelmill_stages.stages.grid.provenance import counted
from with_torch.grid import tiny_clip

pytestmark = pytest.mark.store  # needs no server, but torch
TRAIN, VAL = [9, 25], [42, 73, 5]


class Live(LiveGridFeatures):
    """With the small model."""

    config = tiny_clip.config()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("live")
    tiny_clip.saved(place / "clip.pt")
    coco(place / "images", train2014=TRAIN, val2014=VAL)
    return place


def live(folder: Path, split: str = "val2014", **more: object) -> Live:
    return Live(str(folder / "images"), folder / "clip.pt", split=split, device="cpu", **more)


def stored(folder: Path, **block: object) -> Path:
    """A file of the train split, made as the stage does."""
    extractor = Extractor(
        GridBlock.model_validate({"weights": {"uri": "w"}, "device": "cpu", **block}),
        folder / "clip.pt",
        config=tiny_clip.config(),
    )
    path = folder / "grids.hdf5"
    writer = container("hdf5").write(path, 0)
    for number in TRAIN:
        image = folder / f"images/train2014/COCO_train2014_{number:012d}.jpg"
        side = int(block.get("input", 224))
        features = extractor.run([pixels(image, str(block.get("fit", "crop")), side)])[0][0]
        writer.add([(key(number), features)])
    writer.close(counted(extractor.attributes, Counter({"train2014": len(TRAIN)})))
    return path


@pytest.mark.parametrize("block", [{}, {"fit": "squash", "space": "projected"}, {"grid": "14x14", "dtype": "float16"}])
def test_live_features_of_the_train_split_equal_the_stored_ones(folder: Path, block: dict[str, object]) -> None:
    path = stored(folder, **block)
    on_disk, computed = GridFeatures(str(path)), live(folder, "train2014", like=str(path))
    assert computed.ids == on_disk.ids == TRAIN
    for one, other in zip(computed, on_disk, strict=True):
        assert one.image_id == other.image_id
        assert (one.features.dtype, one.features.shape) == (other.features.dtype, other.features.shape)
        np.testing.assert_allclose(one.features, other.features, atol=1e-2 if "dtype" in block else 1e-5)
        assert one.labels.shape == other.labels.shape == (0,)
    path.unlink()


def test_the_val_split_is_computed_like_the_stored_train_split_and_batched(folder: Path) -> None:
    path = stored(folder)
    data = live(folder, like=str(path), max_detections=50)
    (batch,) = DataLoader(data, batch_size=3)
    assert batch.image_id.tolist() == sorted(VAL)
    assert batch.features.shape == (3, 50, 64)
    assert not batch.features[:, 49].any()
    again = pickle.loads(pickle.dumps(data)).of("COCO_val2014_000000000042.jpg")
    torch.testing.assert_close(torch.from_numpy(again.features), batch.features[1], atol=1e-5, rtol=1e-5)
    path.unlink()


def test_other_weights_than_those_of_the_stored_file_are_refused(folder: Path) -> None:
    path = stored(folder)
    other = tiny_clip.saved(folder / "other.pt", visual__proj=torch.zeros(64, 16))
    with pytest.raises(SpecError, match="made with other weights"):
        Live(str(folder / "images"), other, split="val2014", like=str(path))
    with pytest.raises(SpecError, match="fit cannot be given with like"):
        live(folder, like=str(path), fit="squash")
    path.unlink()


def test_images_that_cannot_be_used_are_named(folder: Path, tmp_path: Path) -> None:
    coco(tmp_path / "images", val=[1])
    (tmp_path / "images/val/COCO_val_000000000002.jpg").write_text("no image")
    data = Live(str(tmp_path / "images"), folder / "clip.pt", split="val")
    with pytest.raises(SpecError, match="in one of the formats JPEG") as told:
        data.of(2)
    assert "COCO_val_000000000002.jpg" in str(told.value)
    with pytest.raises(NotFound, match="image 3 not found"):
        data.of(3)
    picture(tmp_path / "images/val/copy_1.jpg")
    with pytest.raises(SpecError, match="are both image 1"):
        Live(str(tmp_path / "images"), folder / "clip.pt", split="val")
    (tmp_path / "images/val/copy_1.jpg").rename(tmp_path / "images/val/cat.jpg")
    with pytest.raises(SpecError, match=r"cat\.jpg does not end in the number of an image"):
        Live(str(tmp_path / "images"), folder / "clip.pt", split="val")
    with pytest.raises(NotFound, match="no image in this folder"):
        live(folder, "train2017")


def test_parameters_are_those_of_the_stage(folder: Path) -> None:
    assert live(folder, grid="14x14")[0].features.shape == (196, 64)
    with pytest.raises(SpecError, match="patches: set grid to 7x7"):
        live(folder, grid="16x16")
    with pytest.raises(SpecError, match="colour: Extra inputs"):
        live(folder, colour="red")
