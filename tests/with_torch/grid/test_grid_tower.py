"""The model's side: weights that fit or are refused, the same numbers as open_clip's own model, and pooling."""

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from grid.gallery import picture
from reelmill.contract.errors import SpecError
from reelmill_stages.stages.grid.codebook import read_codebook
from reelmill_stages.stages.grid.pixels import MEAN, STD, pixels
from reelmill_stages.stages.grid.tower import GridSelection, Tower, architecture, check_weights, pooled
from with_torch.grid.tiny_clip import config, full_weights, model, saved

pytestmark = pytest.mark.store


def normalised(batch: torch.Tensor) -> torch.Tensor:
    """(B, 3, side, side) as the model takes it."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (batch.permute(0, 3, 1, 2).float() / 255 - mean) / std


def tower(folder: Path, patch: int = 16, **more) -> Tower:
    return Tower(config(patch), saved(folder / "w.pt", patch), **{"input_side": 224, **more})


def images(count: int, side: int = 224) -> torch.Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(320, 240), (240, 321), (224, 224), (100, 60), (640, 427)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_clips_own_preprocessing(size: tuple[int, int], mode: str, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", 3, size, mode)
    own = image_transform(224, is_train=False, mean=MEAN, std=STD)(Image.open(path))
    values = torch.from_numpy(pixels(path, "crop", 224)).permute(2, 0, 1).float() / 255
    ours = (values - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    assert torch.equal(ours, own)


def test_004_p5_fit_squash_resizes_to_the_square_and_crop_keeps_the_aspect(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", 3, (320, 200))
    squashed = np.array(Image.open(path).resize((224, 224), Image.Resampling.BICUBIC))
    assert np.array_equal(pixels(path, "squash", 224), squashed)
    assert not np.array_equal(pixels(path, "crop", 224), squashed)


def test_patches_are_those_of_open_clips_model_after_the_last_layer_norm(tmp_path: Path) -> None:
    batch = images(3)
    visual = model().visual
    visual.output_tokens = True
    values = normalised(batch)
    with torch.no_grad():
        _, tokens = visual(values)
    assert torch.allclose(tower(tmp_path).patches(batch), tokens, atol=1e-6)


def test_004_p4_projected_features_are_the_hidden_ones_times_the_projection(tmp_path: Path) -> None:
    made = tower(tmp_path)
    patches = made.patches(images(2))
    hidden, projected = (made.grid(patches, GridSelection(14, space)) for space in ("hidden", "projected"))
    assert torch.equal(hidden, patches)
    assert torch.allclose(projected, hidden @ model().visual.proj, atol=1e-6)
    small = made.grid(patches, GridSelection(7, "projected"))
    assert torch.allclose(small, pooled(projected, 7), atol=1e-5)


def test_004_f03_49_rows_are_the_means_of_2x2_patches_and_196_are_all(tmp_path: Path) -> None:
    patches = tower(tmp_path).patches(images(2))
    assert patches.shape == (2, 196, 64)
    square = patches.reshape(2, 7, 2, 7, 2, 64)
    assert torch.allclose(pooled(patches, 7), square.mean(dim=(2, 4)).reshape(2, 49, 64), atol=1e-6)
    assert pooled(patches, 14) is patches


def test_004_f03_an_input_of_112_pixels_gives_49_patches_with_an_interpolated_position(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt")
    small = Tower(config(), path, input_side=112).patches(images(2, 112))
    assert small.shape == (2, 49, 64)
    like = open_clip.CLIP(**{**config(), "vision_cfg": {**config()["vision_cfg"], "image_size": 112}}).eval()
    state = dict(model().state_dict())
    open_clip.model.resize_pos_embed(state, like)
    like.load_state_dict(state)
    like.visual.output_tokens = True
    values = normalised(images(2, 112))
    with torch.no_grad():
        assert torch.allclose(small, like.visual(values)[1], atol=1e-6)


def test_004_p4_a_16x16_grid_is_pooled_adaptively_to_49_rows(tmp_path: Path) -> None:
    patches = tower(tmp_path, 14).patches(images(1))
    assert patches.shape == (1, 256, 64)
    square = patches.transpose(1, 2).reshape(1, 64, 16, 16)
    wanted = torch.nn.functional.adaptive_avg_pool2d(square, 7).flatten(2).transpose(1, 2)
    assert torch.equal(pooled(patches, 7), wanted)
    assert pooled(patches, 7).shape == (1, 49, 64)


@pytest.mark.parametrize(
    ("name", "rows", "width", "joint"), [("ViT-B-16", 196, 768, 512), ("ViT-L-14", 256, 1024, 768)]
)
def test_004_f09_the_architectures_are_open_clips(name: str, rows: int, width: int, joint: int, tmp_path: Path) -> None:
    for known in (name, f"{name}-quickgelu"):
        vision = architecture(known)["vision_cfg"]
        assert ((224 // vision["patch_size"]) ** 2, vision["width"]) == (rows, width)
        assert architecture(known)["embed_dim"] == joint
    weights = full_weights(tmp_path / "w.pt", name)
    check_weights(architecture(name), weights)
    patches = Tower(architecture(name), weights, input_side=224).patches(images(1))
    assert patches.shape == (1, rows, width)
    assert torch.isfinite(patches).all()


def test_weights_may_be_the_whole_model_or_its_image_tower(tmp_path: Path) -> None:
    whole = tower(tmp_path).patches(images(1))
    part = Tower(config(), saved(tmp_path / "v.pt", image_tower=True), input_side=224).patches(images(1))
    assert torch.equal(whole, part)
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in model().state_dict().items()}}, tmp_path / "c.pt"
    )
    assert torch.equal(whole, Tower(config(), tmp_path / "c.pt", input_side=224).patches(images(1)))
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({name: value.contiguous() for name, value in model().state_dict().items()}, tmp_path / "s")
    assert torch.equal(whole, Tower(config(), tmp_path / "s", input_side=224).patches(images(1)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"visual__proj": None}, r"1 missing \(visual.proj\)"),
        ({"visual__head__weight": torch.zeros(2)}, r"1 unexpected \(visual.head.weight\)"),
        ({"visual__proj": torch.zeros(64, 7)}, r"1 of another shape \(visual.proj\)"),
        ({"token_embedding__weight": None}, r"1 missing \(token_embedding.weight\)"),
        ({"visual__proj": torch.full((64, 16), float("nan"))}, "not numbers, in visual.proj"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_the_names_of_their_keys(
    change: dict, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=words):
        Tower(config(), saved(tmp_path / "w.pt", **change), input_side=224)


def test_openais_weights_need_the_quickgelu_model(tmp_path: Path) -> None:
    torch.save(
        {**model().state_dict(), "input_resolution": torch.tensor(224), "vocab_size": torch.tensor(50)},
        tmp_path / "w.pt",
    )
    with pytest.raises(SpecError, match="-quickgelu"):
        check_weights(config(), tmp_path / "w.pt")
    check_weights(config(quick_gelu=True), tmp_path / "w.pt")


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_not_a_state_dict_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(SpecError, match="no state dict"):
        check_weights(config(), tmp_path / "w.pt")


def test_pickles_that_run_code_are_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"visual.proj": Evil()}, tmp_path / "w.pt")
    with pytest.raises(SpecError, match="no state dict"):
        check_weights(config(), tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()


def test_004_p3_the_codebook_is_a_bare_tensor_and_a_dict_is_refused(tmp_path: Path) -> None:
    torch.save(torch.randn(80, 512), tmp_path / "book.pt")
    assert read_codebook(tmp_path / "book.pt", 512).shape == (80, 512)
    torch.save({"embeddings": torch.randn(80, 512)}, tmp_path / "dict.pt")
    with pytest.raises(SpecError, match="a dict, not a tensor"):
        read_codebook(tmp_path / "dict.pt", 512)
    with pytest.raises(SpecError, match=r"\(80, 512\) instead of \(classes, 768\)"):
        read_codebook(tmp_path / "book.pt", 768)


def test_004_p3_labels_are_the_nearest_text_of_each_patch(tmp_path: Path) -> None:
    made = tower(tmp_path)
    patches = made.patches(images(2))
    book = torch.randn(5, 16, generator=torch.Generator().manual_seed(2))
    found = made.nearest(patches, book)
    joint = torch.nn.functional.normalize(made.grid(patches, GridSelection(14, "projected")), dim=-1)
    assert found.shape == (2, 196)
    assert torch.equal(found, (joint @ torch.nn.functional.normalize(book, dim=-1).T).argmax(-1))
    assert len(found.unique()) > 1
