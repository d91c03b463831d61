"""Towers besides CLIP's own: open_clip's by any name, torchvision's of videos. The libraries' own numbers are right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pyarrow.parquet
import pytest
import torch
import torchvision
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

import footage
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media
from reelmill.contract.spec.stages.embed import VIDEO_TOWERS, EmbedBlock
from reelmill_stages.models.preparation import Preparation
from reelmill_stages.stage import Assembled, Input
from reelmill_stages.stages.embed.stage import EmbedStage
from reelmill_stages.stages.embed.towers.frames import frames_of
from reelmill_stages.stages.embed.towers.videos import spread
from with_torch.embed.lip_desk import embedded, features
from worker_desk import Desk

pytestmark = pytest.mark.store  # needs no server, but torch
SQUASHED = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bilinear", "resize_mode": "squash"}
RESNET = {"embed_dim": 16, "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}}
TEXT = {"context_length": 77, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}


def block(weights: Path, **params: Any) -> EmbedBlock:
    return EmbedBlock.model_validate({"weights": {"uri": str(weights)}, **params})


def film(number: int = 0, *, frames: int = 20) -> Input:
    video = footage.video(seconds=frames / 10, fps=10, size=(64 + 2 * number, 48), audio=False)
    media = Media(str(video), video.stat().st_size)
    return Input(
        Item(f"film{number}.mp4", number, f"film{number}", 1.0, media, fields={"name": f"film{number}"}), number
    )


def check(given: EmbedBlock) -> None:
    EmbedStage(given).check_files(lambda ref: Path(ref.uri))


@pytest.mark.parametrize(
    "settings", [SQUASHED, {**SQUASHED, "resize_mode": "shortest"}, {**SQUASHED, "interpolation": "bicubic"}]
)
def test_frames_are_prepared_by_the_models_own_settings(settings: dict[str, Any]) -> None:
    theirs = image_transform_v2(PreprocessCfg(size=32, **settings), is_train=False)
    prepares = Preparation(side=32).with_settings(settings)
    for size in ((50, 40, 3), (40, 57, 3), (32, 32, 3)):
        frame = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
        found = prepares.normalised(prepares.cropped(frame)[None])[0]
        assert np.abs(found - theirs(Image.fromarray(frame)).numpy()).max() < 1e-6


def test_a_tower_that_is_no_transformer_gives_open_clips_own_embeddings(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model: Any = open_clip.CLIP(RESNET["embed_dim"], RESNET["vision_cfg"], TEXT).eval()
    torch.save(model.state_dict(), tmp_path / "w.pt")
    config = {"model_cfg": {**RESNET, "text_cfg": TEXT}, "preprocess_cfg": SQUASHED}
    (tmp_path / "config.json").write_text(json.dumps(config))
    given = block(tmp_path / "w.pt", model="RN50", config={"uri": str(tmp_path / "config.json")}, frames=3)
    check(given)
    found = features(embedded(given, [film()], tmp_path / "work"))["film0.mp4"]
    theirs = image_transform_v2(PreprocessCfg(size=32, **SQUASHED), is_train=False)  # type: ignore[arg-type]
    pictures = [theirs(Image.fromarray(frame)) for frame in frames_of(film().item, Desk(tmp_path / "d"), 3)]
    with torch.inference_mode():
        wanted = model.encode_image(torch.stack(pictures)).numpy()
    assert found.shape == (3, 16)
    assert np.abs(found - wanted).max() < 1e-4


def test_frames_of_a_named_model_are_prepared_as_for_its_published_weights(tmp_path: Path) -> None:
    """`check` of a siglip tower without weights of it: what is refused comes after the preparation."""
    torch.save({"visual.trunk.x": torch.zeros(1)}, tmp_path / "w.pt")
    stage = EmbedStage(block(tmp_path / "w.pt", model="ViT-B-32-SigLIP2-256"))
    with pytest.raises(SpecError, match="the weights do not match the model"):
        stage.check_files(lambda ref: Path(ref.uri))
    wanted = Preparation(side=256).with_settings({**SQUASHED, "interpolation": "bicubic"})
    assert stage._family._preparation == wanted  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"model": "ViT-B-23"}, "open_clip has no model 'ViT-B-23'"),
        ({"model": "ViT-B-32", "pretrained": "my_own"}, "open_clip has no weights 'my_own' of ViT-B-32"),
    ],
)
def test_a_name_that_open_clip_does_not_know_is_refused(tmp_path: Path, params: dict[str, Any], refusal: str) -> None:
    torch.save({"visual.x": torch.zeros(1)}, tmp_path / "w.pt")
    with pytest.raises(SpecError, match=refusal):
        check(block(tmp_path / "w.pt", **params))


@pytest.mark.parametrize(("name", "frames"), [("r3d_18", 3), ("s3d", 14), ("swin3d_t", 2)])
def test_a_video_tower_gives_what_torchvisions_classifier_would_be_given(
    tmp_path: Path, name: str, frames: int
) -> None:
    torch.manual_seed(0)
    model: Any = getattr(torchvision.models.video, name)(weights=None).eval()
    torch.save(model.state_dict(), tmp_path / "w.pt")
    given = block(tmp_path / "w.pt", model=f"torchvision/{name}", frames=frames)
    check(given)
    found = features(embedded(given, [film()], tmp_path / "work"))["film0.mp4"]

    heard: list[torch.Tensor] = []
    head = next(getattr(model, one) for one in ("fc", "classifier", "head") if hasattr(model, one))
    head.register_forward_pre_hook(lambda _, told: heard.append(told[0]))
    preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    pictures = np.stack(list(frames_of(film().item, Desk(tmp_path / "d"), frames)))
    with torch.inference_mode():
        model(preset(torch.from_numpy(pictures).permute(0, 3, 1, 2)).unsqueeze(0))
    wanted = heard[0].reshape(1, heard[0].shape[1], -1).mean(2).numpy()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-4 * max(1.0, np.abs(wanted).max())


def test_the_keys_of_a_transformer_of_videos_are_checked_without_its_classifier(tmp_path: Path) -> None:
    state = torchvision.models.video.mvit_v2_s(weights=None).state_dict()
    given = block(tmp_path / "w.pt", model="torchvision/mvit_v2_s", frames=16)
    without = {name: tensor for name, tensor in state.items() if not name.startswith("head.")}
    torch.save(without, given.weights.uri)
    check(given)
    del without["norm.weight"]
    torch.save(without, given.weights.uri)
    with pytest.raises(SpecError, match=r"1 missing: norm\.weight"):
        check(given)


def test_a_clip_shorter_than_a_video_tower_needs_repeats_frames(tmp_path: Path) -> None:
    assert spread(3, 7) == [0, 0, 1, 1, 1, 2, 2]
    assert spread(20, 4) == [2, 7, 12, 17]
    torch.save(torchvision.models.video.r3d_18(weights=None).state_dict(), tmp_path / "w.pt")
    (made,) = embedded(block(tmp_path / "w.pt", model="torchvision/r3d_18"), [film(frames=3)], tmp_path / "work")
    assert isinstance(made, Assembled)
    assert made.items[0].fields["frames"] == 3


def test_every_video_tower_of_torchvision_has_a_name() -> None:
    assert set(torchvision.models.list_models(module=torchvision.models.video)) == set(VIDEO_TOWERS)


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_vectors_are_the_means_of_the_clips_features(tmp_path: Path, form: str) -> None:
    torch.manual_seed(0)
    torch.save(torchvision.models.video.r3d_18(weights=None).state_dict(), tmp_path / "w.pt")
    given = block(tmp_path / "w.pt", model="torchvision/r3d_18", frames=2, vectors=form, vectorsPerFile=2, batchSize=1)
    made = embedded(given, [film(number) for number in range(3)], tmp_path / "work")
    alone = {one.file.name: one.file.path for one in made if isinstance(one, Assembled) and not one.items}
    wanted = features([one for one in made if isinstance(one, Assembled) and one.items])
    for first, keys in ((0, ["film0.mp4", "film1.mp4"]), (2, ["film2.mp4"])):
        stem = f"vectors-{first:09d}"
        if form == "parquet":
            table = pyarrow.parquet.read_table(alone[f"{stem}.parquet"])
            told, vectors = table["key"].to_pylist(), np.array(table["vector"].to_pylist(), np.float32)
        else:
            told = [json.loads(line) for line in alone[f"{stem}.keys.jsonl"].read_text().splitlines()]
            vectors = np.load(alone[f"{stem}.npy"])
        assert told == keys
        assert np.array_equal(vectors, np.stack([wanted[key].mean(0) for key in keys]))
