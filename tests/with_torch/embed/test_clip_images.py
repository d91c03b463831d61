"""CLIP's image tower over the frames of a clip: open_clip's own numbers, from videos and from samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

import footage
from reelmill.contract.errors import SpecError
from reelmill.contract.records.rows import Item, Media, Output, Span
from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.stages.embed import EmbedBlock
from reelmill_stages.models.device import Device
from reelmill_stages.models.preparation import Preparation
from reelmill_stages.stage import Input
from reelmill_stages.stages.embed.towers.frames import frames_of, middles
from reelmill_stages.stages.embed.towers.images import ImageTower
from with_torch.embed.lip_desk import embedded, features
from worker_desk import Desk

pytestmark = pytest.mark.store  # needs no server, but torch
TINY = {"embed_dim": 16, "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}}
TEXT = {"context_length": 77, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}


@pytest.fixture(scope="module")
def model() -> Any:
    """A whole CLIP, tiny and seeded."""
    torch.manual_seed(0)
    return open_clip.CLIP(TINY["embed_dim"], TINY["vision_cfg"], TEXT).eval()


@pytest.fixture
def block(model: Any, tmp_path: Path) -> EmbedBlock:
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in model.state_dict().items()}}, tmp_path / "c.pt"
    )
    (tmp_path / "config.json").write_text(json.dumps({"model_cfg": {**TINY, "text_cfg": TEXT}}))
    return EmbedBlock.model_validate(
        {
            "model": "ViT-B-32",
            "weights": {"uri": str(tmp_path / "c.pt")},
            "config": {"uri": str(tmp_path / "config.json")},
            "frames": 4,
            "window": 5,
        }
    )


def fetched(ref: FileRef) -> Path:
    return Path(ref.uri)


def transform(model: Any) -> Any:
    return open_clip.image_transform(TINY["vision_cfg"]["image_size"], is_train=False)


def test_pixels_are_prepared_as_open_clip_does(model: Any) -> None:
    prepares = Preparation(side=32)
    for size in ((50, 40, 3), (40, 57, 3), (33, 32, 3)):
        frame = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
        theirs = transform(model)(Image.fromarray(frame)).numpy()
        assert np.abs(prepares.normalised(prepares.cropped(frame)[None])[0] - theirs).max() < 1e-6


def test_the_frames_of_a_video_become_one_file_of_open_clips_own_embeddings(
    model: Any, block: EmbedBlock, tmp_path: Path
) -> None:
    video = footage.video(seconds=1.0, fps=12, size=(64, 48), audio=False)
    item = Item("film.mp4", 0, "film", 1.0, Media(str(video), video.stat().st_size), fields={"name": "film"})
    made = embedded(block, [Input(item, 3)], tmp_path / "work")
    found = features(made)["film.mp4"]
    assert (found.shape, found.dtype) == ((4, 16), np.float32)
    pictures = [transform(model)(Image.fromarray(frame)) for frame in frames_of(item, Desk(tmp_path / "d"), 4)]
    with torch.inference_mode():
        theirs = model.encode_image(torch.stack(pictures)).numpy()
    assert np.abs(found - theirs).max() < 1e-4
    assert made[0].file.name == "clip_000003_film_embedding.npz"


def test_a_virtual_clip_gives_the_frames_of_its_span(tmp_path: Path) -> None:
    video = footage.video(seconds=2.0, fps=10, size=(64, 48), audio=False)
    media = Media(str(video), video.stat().st_size)
    whole = list(frames_of(Item("a", 0, "a", 1.0, media), Desk(tmp_path), 20))
    part = Media(str(video), video.stat().st_size, span=Span(1.0, 1.5))
    clip = list(frames_of(Item("a", 0, "a", 1.0, part), Desk(tmp_path), 2))
    assert [np.array_equal(one, whole[10 + at]) for one, at in zip(clip, middles(5, 2), strict=True)] == [True, True]


def test_samples_bring_their_own_frames(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", frames)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{number:06d}.jpg", quality=100, subsampling=0)
    paths = {"npy": ["frames.npy"], "jpg": [f"{number:06d}.jpg" for number in range(3)]}
    for layout, names in paths.items():
        outputs = tuple(Output(str(tmp_path / name), 1, "") for name in names)
        found = np.stack(list(frames_of(Item("a", 0, "a", 1.0, outputs=outputs), Desk(tmp_path / "d"), 1)))
        assert found.shape == frames.shape, layout
        assert np.abs(found.astype(int) - frames).max() <= (0 if layout == "npy" else 12)


def test_a_key_too_many_or_too_few_is_refused_by_name(model: Any, block: EmbedBlock, tmp_path: Path) -> None:
    state = model.state_dict()
    lacking = {name: value for name, value in state.items() if name != "visual.proj"}
    for found, said in (
        (lacking, "1 missing: proj"),
        ({**state, "visual.extra": torch.zeros(1)}, "1 unexpected: extra"),
    ):
        torch.save(found, tmp_path / "c.pt")
        with pytest.raises(SpecError, match=said):
            ImageTower(block).model(lambda uri, digest="": Path(uri), Device("cpu", False), precision="float32")
        with pytest.raises(SpecError, match=said):
            ImageTower(block).check(fetched)


def test_the_right_weights_pass_the_open_step(block: EmbedBlock) -> None:
    ImageTower(block).check(fetched)


def test_weights_of_another_family_are_refused_in_the_open_step(block: EmbedBlock, tmp_path: Path) -> None:
    torch.save({"frontend3D.0.weight": torch.zeros(1)}, tmp_path / "c.pt")
    with pytest.raises(SpecError, match="no key begins with visual"):
        ImageTower(block).check(fetched)
