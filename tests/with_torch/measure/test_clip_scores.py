"""CLIP scores, with seeded weights, judged by open_clip's own preprocessing, tokenizer and encoders."""

from pathlib import Path
from typing import Any

import av
import open_clip
import pytest
import torch
from PIL import Image

import footage
from cliprig import done
from measure.clips import Desk, measured
from reelmill.contract.errors import SpecError
from reelmill_stages.registry import stage

pytestmark = pytest.mark.store  # needs no server, but torch
MODEL = "ViT-S-32-alt"
NOTHING_ELSE = {"picture": False, "motion": False, "sound": False}
CAPTIONS = ("numbers as blocks above a moving gradient", "a cat")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """A model with seeded weights, and a head of two matrices: their files, and the model."""
    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("clip")
    model = open_clip.create_model(MODEL, pretrained=None).eval()
    torch.save(model.state_dict(), folder / "clip.pt")
    width = model.text_projection.shape[1]
    head = torch.nn.Sequential(torch.nn.Linear(width, 8), torch.nn.Dropout(), torch.nn.Linear(8, 1)).eval()
    torch.save(head.state_dict(), folder / "head.pt")
    model.head = head
    return folder / "clip.pt", folder / "head.pt", model


def block(made: tuple[Path, Path, Any], **more: Any) -> dict[str, Any]:
    refs = {"weights": {"uri": str(made[0])}, "aesthetic": {"uri": str(made[1])}}
    return {"clip": {"model": MODEL, **refs, **more}}


def test_005_f11_scores_are_those_of_open_clip(weights: tuple[Path, Path, Any], tmp_path: Path) -> None:
    film = footage.video(seconds=1.0, size=(320, 192), audio=False, options=("-pix_fmt", "yuv420p"))
    rig = Desk(tmp_path)
    items = [rig.item(str(number), film, text=text) for number, text in enumerate(CAPTIONS)]
    results = measured(
        [*items, rig.item("none", film)], rig, modelFrames={"count": 2}, **block(weights), **NOTHING_ELSE
    )
    found = [done(result).items[0].fields["measures"] for result in results]
    model = weights[2]
    with av.open(film) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    _, _, preprocess = open_clip.create_model_and_transforms(MODEL, pretrained=None)
    with torch.inference_mode():
        pictures = torch.stack([preprocess(Image.fromarray(frames[index])) for index in (6, 18)])
        seen = model.encode_image(pictures, normalize=True)
        texts = model.encode_text(open_clip.get_tokenizer(MODEL)(list(CAPTIONS)), normalize=True)
        similar = (seen @ texts.T).mean(dim=0).tolist()
        liked = float(model.head(seen).mean())
    assert [one["text_similarity"] for one in found[:2]] == pytest.approx(similar, abs=2e-3)
    assert [one["aesthetic"] for one in found] == pytest.approx([liked] * 3, abs=2e-3)
    assert "text_similarity" not in found[2]


def test_weights_that_lack_keys_are_refused_once(weights: tuple[Path, Path, Any], tmp_path: Path) -> None:
    state = torch.load(weights[0])
    del state["visual.proj"]
    torch.save(state, tmp_path / "less.pt")
    made = stage("measure", block(weights, weights={"uri": str(tmp_path / "less.pt")}))
    made.check()
    with pytest.raises(SpecError, match=r"1 missing: visual\.proj"):
        made.check_files(lambda ref: Path(ref.uri))


def test_a_head_for_another_model_is_refused(weights: tuple[Path, Path, Any], tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(999, 1).state_dict(), tmp_path / "head.pt")
    made = stage("measure", block(weights, aesthetic={"uri": str(tmp_path / "head.pt")}))
    with pytest.raises(SpecError, match="takes 999 numbers"):
        made.check_files(lambda ref: Path(ref.uri))


@pytest.mark.parametrize(("name", "words"), [("ViT-Z-99", "knows no model"), ("ViT-B-16-SigLIP", "not a plain CLIP")])
def test_a_model_that_cannot_be_used_is_refused(name: str, words: str, weights: tuple[Path, Path, Any]) -> None:
    with pytest.raises(SpecError, match=words):
        stage("measure", block(weights, model=name)).check_files(lambda ref: Path(ref.uri))
