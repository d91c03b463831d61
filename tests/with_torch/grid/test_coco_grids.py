"""The sample pipeline of system 004, from images to a model that trains, with the real architecture."""

import json
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import yaml
from torch.utils.data import DataLoader

from cli.terminal import reelmill
from grid.gallery import coco
from reelmill_stages.datasets.grids import GridFeatures
from reelmill_stages.stages.grid.live import main as live
from repo.pages import blocks
from with_torch.grid.coco_pipeline import exported, failures, pipeline, run
from with_torch.grid.tiny_clip import full_weights

pytestmark = pytest.mark.store
PAGE = "docs/systems/grids.md"
TRAIN, VAL = [9, 25, 30], [42, 73]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return full_weights(tmp_path_factory.mktemp("weights") / "ViT-B-16.pt")


@pytest.fixture(scope="module")
def done(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sample, run once over two splits with two parts and a text that was called an image: its file, an export."""
    folder = tmp_path_factory.mktemp("coco")
    images = coco(folder / "images", train2014=TRAIN, val2014=VAL)
    (images / "train2014/COCO_train2014_000000000011.jpg").write_text("no image")
    (images / "train2014/cat.jpg").write_bytes((images / "train2014/COCO_train2014_000000000009.jpg").read_bytes())
    shutil.copyfile(images / "val2014/COCO_val2014_000000000042.jpg", images / "val2014/copy_42.jpg")
    torch.save(torch.randn(80, 512, generator=torch.Generator().manual_seed(1)), folder / "codebook.pt")
    path = pipeline(folder, images, weights, imagesPerFile=4, labels={"uri": str(folder / "codebook.pt")})
    stages = run(path)
    assert stages["features"]["totals"] == {"in": 6, "done": 5, "filtered": 0, "failed": 1, "skipped": 0}
    return path, exported(path, folder / "export")


def test_004_f01_the_sample_runs_from_images_to_one_file_of_both_splits(done: tuple[Path, Path]) -> None:
    path, export = done
    with h5py.File(export / "grids.hdf5") as file:
        assert sorted(file) == sorted(f"{n}_grids" for n in TRAIN + VAL)
        assert all(
            (file[name].shape, file[name].dtype, file[name].compression) == ((49, 768), np.float32, "gzip")
            for name in file
        )
        assert json.loads(file.attrs["splits"]) == {"train2014": 3, "val2014": 2}
    assert sorted(part.name for part in (export / "0001").glob("features-*")) == [
        "features-000000000.hdf5", "features-000000004.hdf5",
    ]  # fmt: skip
    assert failures(path) == {"train2014/COCO_train2014_000000000011.jpg": "not_an_image"}
    assert failures(path, "coco") == {"train2014/cat.jpg": "bad_id", "val2014/copy_42.jpg": "duplicate_id"}


def test_004_f06_the_check_passes_and_tells_the_numbers(done: tuple[Path, Path]) -> None:
    said = reelmill("check", done[1], "-o", "json")
    assert said.code == 0, said.out + said.err
    messages = [row["message"] for row in json.loads(said.out) if row["file"] == "grids.hdf5"]
    assert "5 images (3 of 82,783 train2014, 2 of 40,504 val2014)" in messages
    assert "(49, 768) float32" in messages


def test_004_p1_the_merged_file_is_read_by_rstnets_reader_which_copies_it_first(done: tuple[Path, Path]) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        copied = Path(elsewhere) / "grids.hdf5"
        shutil.copyfile(done[1] / "grids.hdf5", copied)
        reader = GridFeatures(str(done[1]), max_detections=50)
        with h5py.File(copied, "r") as file:
            for image in TRAIN + VAL:
                found = file[f"{image:d}_grids"][()]
                assert found.any(axis=1).all()
                padded = np.concatenate([found, np.zeros((1, 768))]).astype(np.float32)
                assert np.array_equal(reader.of(image).features, padded)


def test_004_f08_stored_features_are_those_of_the_live_model(
    done: tuple[Path, Path], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, export = done
    images = sorted((path.parent / "images/val2014").glob("COCO*.jpg"))
    assert live([str(export / "grids.hdf5"), str(weights), *map(str, images)]) == 0
    assert capsys.readouterr().out.count("same") == 2
    assert live([str(export / "grids.hdf5"), str(export / "labels.hdf5"), str(images[0])]) == 2


def test_a_tiny_captioner_trains_on_the_features_in_the_workers_of_a_loader(done: tuple[Path, Path]) -> None:
    torch.manual_seed(0)
    data = GridFeatures(str(done[1]), labels=True, max_detections=50)
    loader = DataLoader(data, batch_size=5, shuffle=True, num_workers=2, multiprocessing_context="spawn")
    words = torch.nn.Sequential(
        torch.nn.LayerNorm(768), torch.nn.Linear(768, 16), torch.nn.GELU(), torch.nn.Linear(16, 5)
    )
    optimizer = torch.optim.Adam(words.parameters(), 3e-2)
    place = {image: number for number, image in enumerate(data.ids)}
    batches = list(loader)
    assert batches[0].features.shape == (5, 50, 768)
    assert batches[0].labels.shape == (5, 196)
    losses = []
    for _ in range(12):
        for batch in batches:
            target = torch.tensor([place[int(image)] for image in batch.image_id])
            loss = torch.nn.functional.cross_entropy(words(batch.features).mean(dim=1), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_weights_that_do_not_fit_stop_the_run_before_any_image(done: tuple[Path, Path], tmp_path: Path) -> None:
    torch.save({"visual.proj": torch.zeros(768, 512)}, tmp_path / "part.pt")
    images = done[0].parent / "images"
    path = pipeline(tmp_path, images, tmp_path / "part.pt")
    said = reelmill("run", "-q", path)
    assert said.code != 0
    assert "missing (visual.class_embedding" in said.err
    assert "Traceback" not in said.err
    assert not list((tmp_path / "store").glob("coco-grids/features/*/0001/features-*"))


def test_the_page_about_grid_features_is_true(done: tuple[Path, Path], tmp_path: Path, monkeypatch) -> None:
    (shown,), (code,) = blocks(PAGE, "yaml"), blocks(PAGE, "python")
    (tmp_path / "grids.yaml").write_text(shown)
    (tmp_path / "images").symlink_to(done[0].parent / "images")
    (tmp_path / "out").symlink_to(done[1])
    monkeypatch.chdir(tmp_path)
    assert reelmill("validate", "grids.yaml").code == 0
    planned = reelmill("plan", "grids.yaml", "-o", "json")
    assert str(2 * 6 * 49 * 768 * 4) in planned.out, planned.out + planned.err
    space: dict[str, Any] = {}
    exec(code, space)
    assert space["losses"][-1] < space["losses"][0]


def test_the_commands_of_that_page_lead_from_images_to_features_that_the_model_confirms(
    done: tuple[Path, Path], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = blocks(PAGE, "yaml")
    (tmp_path / "grids.yaml").write_text(f"{shown}    workers: 1\n")
    coco(tmp_path / "images", train2014=[9], val2014=[42])
    (tmp_path / "ViT-B-16.pt").symlink_to(weights)
    monkeypatch.chdir(tmp_path)
    (commands,) = blocks(PAGE, "sh")
    *typed, compare = commands.splitlines()
    for line in typed:
        _, *words = shlex.split(line, comments=True)
        said = reelmill(*words)
        assert said.code == 0, (line, said.err, said.out)
    _, _, _, module, *words = shlex.split(compare)
    assert module == "reelmill_stages.stages.grid.live"
    assert live(words) == 0


def test_d27_shards_write_files_of_their_own_and_a_set_that_grows_gets_a_new_merged_file(
    weights: Path, tmp_path: Path
) -> None:
    images = coco(tmp_path / "images", train2014=[9, 25])
    path = pipeline(tmp_path, images, weights, {"split": "train2014"}, imagesPerFile=1)
    spec = yaml.safe_load(path.read_text())
    spec["spec"]["stages"][0] |= {"shards": 2, "parallelism": 2}
    path.write_text(yaml.safe_dump(spec))
    run(path)
    first = {part.name: part.read_bytes() for part in (exported(path, tmp_path / "out") / "0001").iterdir()}
    assert len(first) == 2
    coco(tmp_path / "images", train2014=[30])
    assert run(path)["features"]["totals"]["done"] == 3
    grown = exported(path, tmp_path / "out")
    assert {part.name: part.read_bytes() for part in (grown / "0001").iterdir()} == first
    assert len(list((grown / "0002").iterdir())) == 1
    with h5py.File(grown / "grids.hdf5") as file:
        assert sorted(file) == ["25_grids", "30_grids", "9_grids"]
        assert file.attrs["images"] == 3
