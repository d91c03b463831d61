"""The lip model beside its authors' own: the same keys, the same numbers, however clips are batched and cut."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lip_crops import write_crops
from reelmill_stages.stage import Assembled, Refused
from reelmill_stages.stages.embed.lip import LipModel
from reelmill_stages.stages.embed.lip_keys import keys
from reelmill_stages.stages.embed.lip_network import LipNetwork
from with_torch.embed.lip_desk import block, embedded, features, given, save_weights, wanted
from with_torch.embed.lip_reference import reference

pytestmark = pytest.mark.store  # needs no server, but torch
CLOSE = 1e-5


@pytest.fixture(scope="module")
def network() -> LipNetwork:
    return LipNetwork(reference().state_dict(), "cpu")


def clip(frames: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(frames, 88, 88)).astype(np.float32)


class Counting:
    """A network that writes down what it is given."""

    def __init__(self, network: LipNetwork) -> None:
        self.network = network
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(frames.shape))
        return self.network(frames)


def test_003_p4_keys_and_shapes_are_those_of_the_original_model() -> None:
    assert {name: tuple(value.shape) for name, value in reference().state_dict().items()} == keys()


def test_003_p5_embeddings_are_those_of_the_original_model(tmp_path: Path) -> None:
    paths = [write_crops(tmp_path / f"{n}.npz", frames, n) for n, frames in enumerate((3, 9))]
    found = features(embedded(block(save_weights(tmp_path / "w.pth")), given(paths), tmp_path))
    for path in paths:
        assert found[path.name].dtype == np.float32
        assert found[path.name].shape == wanted(path).shape
        assert np.abs(found[path.name] - wanted(path)).max() < CLOSE


@pytest.mark.parametrize("lengths", [(7, 7, 7), (3, 12, 1, 5)])
def test_003_p5_padding_after_normalising_changes_nothing(network: LipNetwork, lengths: Sequence[int]) -> None:
    clips = [clip(length, length) for length in lengths]
    together = LipModel(network, 4, 128, 2)(clips)
    for alone, shared in zip(clips, together, strict=True):
        assert np.abs(LipModel(network, 1, 128, 2)([alone])[0] - shared).max() < CLOSE


@pytest.mark.parametrize(("window", "halo"), [(5, 2), (8, 2), (11, 4)])
def test_003_p5_a_halo_of_two_frames_gives_the_whole_clips_numbers(network: LipNetwork, window: int, halo: int) -> None:
    one = clip(23)
    whole = LipModel(network, 1, 128, 2)([one])[0]
    assert np.abs(LipModel(network, 1, window, halo)([one])[0] - whole).max() < CLOSE
    assert np.abs(LipModel(network, 3, window, halo)([one])[0] - whole).max() < CLOSE


def test_003_p5_a_halo_of_one_frame_is_wrong(network: LipNetwork) -> None:
    one = clip(23)
    whole = LipModel(network, 1, 128, 2)([one])[0]
    assert np.abs(LipModel(network, 1, 7, 1)([one])[0] - whole).max() > 100 * CLOSE


def test_d20_the_batch_size_is_what_the_model_sees(network: LipNetwork) -> None:
    counting = Counting(network)
    LipModel(counting, 3, 128, 2)([clip(length) for length in (4, 6, 5, 2)])
    assert counting.shapes == [(3, 6, 88, 88), (1, 2, 88, 88)]


def test_d20_no_clip_is_cut_to_fifty_frames_and_no_padding_is_stored(network: LipNetwork) -> None:
    found = LipModel(network, 2, 128, 2)([clip(57), clip(4)])
    assert [one.shape for one in found] == [(512, 57), (512, 4)]


def test_features_that_are_not_numbers_fail_their_item_and_no_other(tmp_path: Path) -> None:
    weights = reference()
    weights.state_dict()["frontend3D.0.weight"].fill_(float("nan"))
    paths = [write_crops(tmp_path / f"{n}.npz", 2, n) for n in range(2)]
    made = embedded(block(save_weights(tmp_path / "w.pth", weights)), given(paths), tmp_path)
    assert [(type(one), getattr(one, "reason", "")) for one in made] == [(Refused, "nan_features")] * 2


def test_bfloat16_says_how_far_it_is_from_float32(tmp_path: Path) -> None:
    paths = [write_crops(tmp_path / f"{n}.npz", 4, n) for n in range(2)]
    weights = save_weights(tmp_path / "w.pth")
    exact = embedded(block(weights), given(paths), tmp_path / "exact")
    rough = embedded(block(weights, precision="bfloat16"), given(paths), tmp_path / "rough")
    told = {one.items[0].fields.get("precision_difference") for one in rough if isinstance(one, Assembled)}
    (difference,) = told
    assert 0 < difference < 0.05
    apart = [features(rough)[key] - value for key, value in features(exact).items()]
    norm = np.sqrt(sum((value**2).sum() for value in features(exact).values()))
    assert np.sqrt(sum((one**2).sum() for one in apart)) / norm == pytest.approx(difference, rel=0.02)
    assert all(value.dtype == np.float32 for value in features(rough).values())
    assert all("precision_difference" not in one.items[0].fields for one in exact if isinstance(one, Assembled))


def test_equal_crops_and_weights_give_equal_bytes(tmp_path: Path) -> None:
    paths = [write_crops(tmp_path / "a.npz", 4)]
    weights = save_weights(tmp_path / "w.pth")
    made = [embedded(block(weights), given(paths), tmp_path / name)[0] for name in ("one", "two")]
    assert len({one.file.path.read_bytes() for one in made if isinstance(one, Assembled)}) == 1


def test_003_f03_a_gpu_that_is_not_there_is_counted(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    paths = [write_crops(tmp_path / "a.npz", 2)]
    weights = save_weights(tmp_path / "w.pth")
    counted = {
        device: dict(one.counters)
        for device in ("cpu", "gpu")
        for one in embedded(block(weights, device=device), given(paths), tmp_path / device)
        if isinstance(one, Assembled)
    }
    assert counted == {"cpu": {}, "gpu": {"gpu_fallback": 1, "gpu_fallback_no_gpu": 1}}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_003_f03_a_gpu_gives_the_cpus_numbers(tmp_path: Path) -> None:
    paths = [write_crops(tmp_path / f"{n}.npz", frames, n) for n, frames in enumerate((50, 30))]
    weights = save_weights(tmp_path / "w.pth")
    cpu = features(embedded(block(weights, device="cpu"), given(paths), tmp_path / "cpu"))
    gpu = features(embedded(block(weights, device="gpu"), given(paths), tmp_path / "gpu"))
    for key, value in cpu.items():
        assert np.abs(gpu[key] - value).max() < 5e-3 * np.abs(value).max()
