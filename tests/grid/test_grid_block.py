"""The grid block: what it refuses, what it forecasts, and what it leaves to torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from grid.gallery import image_item, picture
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill.plan.definition.compatibility import fits
from reelmill_stages.stage import Failed, Input
from reelmill_stages.stages.grid.stage import GridStage
from reelmill_stages.weight import Weight
from worker_desk import Desk

WEIGHTS = {"uri": "s3://models/clip.pt"}


def block(**fields) -> GridBlock:
    return GridBlock.model_validate({"weights": WEIGHTS, **fields})


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({}, (49, 768)),
        ({"grid": "14x14"}, (196, 768)),
        ({"space": "projected"}, (49, 512)),
        ({"input": 112}, (49, 768)),
        ({"model": "ViT-L-14"}, (49, 1024)),
        ({"model": "ViT-L-14-quickgelu", "grid": "16x16", "space": "projected"}, (256, 768)),
    ],
)
def test_004_f09_the_shape_follows_from_model_grid_and_space(fields: dict, shape: tuple[int, int]) -> None:
    assert block(**fields).refusals() == []
    assert block(**fields).shape == shape


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "ViT-L-14", "grid": "14x14"}, "16x16 patches"),
        ({"grid": "16x16"}, "14x14 patches"),
        ({"input": 112, "grid": "14x14"}, "7x7 patches"),
        ({"container": "npz", "merged": "virtual"}, "requires container hdf5"),
        ({"container": "pt", "merged": "physical"}, "not supported with container pt"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(fields: dict, words: str) -> None:
    (refusal,) = block(**fields).refusals()
    assert words in refusal


@pytest.mark.parametrize("fields", [{"dtype": "bfloat16"}, {"compression": 10}, {"container": "csv"}, {"input": 336}])
def test_004_f05_values_outside_of_what_is_promised_are_refused(fields: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        block(**fields)


def test_004_f13_storage_is_forecast_before_the_start() -> None:
    train2014 = 82_783
    one = block(merged="none")
    assert GridStage(one).forecast(train2014, Weight()) == train2014 * 49 * 768 * 4 == 12_461_159_424
    assert GridStage(block()).forecast(train2014, Weight()) == 2 * GridStage(one).forecast(train2014, Weight())
    assert GridStage(block(merged="none", dtype="float16")).forecast(train2014, Weight()) == 12_461_159_424 // 2
    assert GridStage(block(merged="none", grid="14x14")).forecast(train2014, Weight()) == 4 * 12_461_159_424
    with_labels = block(merged="none", labels=WEIGHTS)
    assert GridStage(with_labels).forecast(1, Weight()) == 49 * 768 * 4 + 196 * 8


NO_TORCH = """
import sys
sys.modules["torch"] = None
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.grid import GridBlock
from reelmill_stages.stages.grid.stage import GridStage
try:
    GridStage(GridBlock.model_validate({"weights": {"uri": "clip.pt"}})).check()
except SpecError as error:
    print(error, error.hint)
"""


@pytest.mark.store
def test_where_torch_is_missing_the_extra_is_named() -> None:
    said = subprocess.run([sys.executable, "-c", NO_TORCH], capture_output=True, text=True, check=True)
    assert "torch" in said.stdout
    assert "reelmill-stages[embed]" in said.stdout


def test_pixels_are_made_without_torch_and_what_is_no_image_fails(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    whole = picture(tmp_path / "whole.jpg", size=(320, 240)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    stage, results = GridStage(block()), {}
    for number, name in enumerate(("whole.jpg", "text.jpg", "cut.jpg")):
        given = Input(image_item(tmp_path / name, number), number)
        (results[name],) = stage.process([given], Desk(tmp_path / f"work{number}"))
    assert results["whole.jpg"].payload[0].path.stat().st_size == 224 * 224 * 3
    failed = {name: result.reason for name, result in results.items() if isinstance(result, Failed)}
    assert failed == {"text.jpg": "not_an_image", "cut.jpg": "damaged_image"}


def test_an_item_without_an_integer_id_fails_by_itself(tmp_path: Path) -> None:
    item = image_item(picture(tmp_path / "a.jpg"), 1)
    for wrong in ("9", None, -1, True):
        item.fields["image_id"] = wrong
        (result,) = GridStage(block()).process([Input(item, 0)], Desk(tmp_path / "work"))
        assert result.reason == "bad_id"


def test_a_grid_stage_reads_images_and_nothing_else() -> None:
    stage = StageSpec.model_validate({"name": "features", "grid": {"weights": WEIGHTS}})
    images = SourceSpec.model_validate({"name": "coco", "images": {"uri": "s3://raw/coco/"}})
    videos = SourceSpec.model_validate({"name": "raw", "files": {"uri": "s3://raw/"}})
    assert fits(stage, images, "from") == []
    assert "reads images" in fits(stage, videos, "from")[0].what
    frames = StageSpec.model_validate({"name": "samples", "frames": {}})
    assert "produces images" in fits(frames, images, "from")[0].what
