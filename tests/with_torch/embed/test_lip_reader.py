"""Reading mixtures for training: embeddings or frames, switched on or off, never mixed; both train a model."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d
from torch.utils.data import DataLoader

from lip_crops import read_list, write_list
from reelmill.contract.errors import NotFound, SpecError
from reelmill_stages.datasets.lip_encoder import LipEncoder
from reelmill_stages.datasets.lips import LipMixtures, is_switched_on
from reelmill_stages.stages.embed.stage import write_embedding
from with_torch.embed.lip_desk import wanted
from with_torch.embed.lip_folder import FRAMES, SAMPLES, WEIGHTS, sample, with_sound

pytestmark = pytest.mark.store  # needs no server, but torch
SEGMENT = SAMPLES / 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops, lists, wavs and weights, and embeddings as an export has them (of the real model, made by hand)."""
    place = tmp_path_factory.mktemp("lips")
    sample(place, splits=("tr",))
    with_sound(place)
    for speaker in ("s1", "s2"):
        rows = read_list(place / "LRS2", "tr", speaker)
        for row in rows:
            path = place / "LRS2" / row[1]
            row[1] = str(place / "out/0001" / row[1])
            stored = Path(row[1].replace(".npz", "_embedding.npz"))
            stored.parent.mkdir(parents=True, exist_ok=True)
            write_embedding(stored, wanted(path))
        write_list(place / "export", "tr", speaker, rows)
    write_list(place / "export", "tr", "mix", read_list(place / "LRS2", "tr", "mix"))
    return place


def mixtures(folder: Path, **more: Any) -> LipMixtures:
    asked = {"embeddings": str(folder / "export/lists"), "root": str(folder / "LRS2"), "segment": SEGMENT, **more}
    return LipMixtures(str(folder / "LRS2/lists"), "tr", **asked)


def ready(folder: Path, *, is_it: bool) -> None:
    path = folder / "export/lists/tr/ready.json"
    path.unlink(missing_ok=True)
    if is_it:
        path.write_text('{"rows": 2}')


def test_003_f10_embeddings_are_off_unless_a_configuration_or_a_flag_asks_for_them(folder: Path) -> None:
    on = {"use_precomputed_embeddings": True}
    nested = {"datamodule": {"data_config": on}}
    assert [is_switched_on(config) for config in ({}, on, nested)] == [False, True, True]
    assert [is_switched_on(on, False), is_switched_on({}, True)] == [False, True]
    assert mixtures(folder).kind == "frames"


def test_d22_raw_frames_are_cut_in_time_and_keep_their_height(folder: Path) -> None:
    one = mixtures(folder, segment=SEGMENT / 5 * 3)[0]
    assert one.mouth.shape == (3, 88, 88)
    assert one.mouth.dtype == torch.float32
    # The original's cut, of 2 s: axis 1, which is the height of a (T, 88, 88) array.
    assert np.zeros((75, 88, 88))[:, :50].shape == (75, 50, 88)


def test_an_item_is_a_mixture_a_speaker_and_that_speakers_mouth(folder: Path) -> None:
    ready(folder, is_it=True)
    data = mixtures(folder, precomputed=True)
    assert (len(data), data.kind) == (4, "embeddings")
    one = data[1]
    assert one.mixture.shape == one.source.shape == (SAMPLES,)
    assert (one.mouth.shape, one.mouth.dtype) == ((512, FRAMES), torch.float32)
    assert one.name == "spkA_00000_1_spkB_00000_-1.wav"
    assert torch.equal(one.mouth, torch.from_numpy(wanted(folder / "LRS2/mouths/tr/B_00000.npz")))
    both = mixtures(folder, precomputed=True, speakers=2)
    assert len(both) == 2
    assert both[0].mouth.shape == (2, 512, FRAMES)
    assert torch.equal(both[0].mouth[1], one.mouth)
    with pytest.raises(IndexError):
        data[4]


def test_d21_a_split_that_is_not_ready_is_read_as_frames_altogether_and_says_so(folder: Path) -> None:
    ready(folder, is_it=False)
    with pytest.warns(UserWarning, match="embeddings of tr are incomplete; using raw frames"):
        data = mixtures(folder, precomputed=True)
    assert data.kind == "frames"
    assert {tuple(data[index].mouth.shape) for index in range(len(data))} == {(FRAMES, 88, 88)}


def test_003_f11_with_an_encoder_frames_without_an_embedding_become_one(folder: Path) -> None:
    ready(folder, is_it=False)
    lost = folder / "export/lists/tr/s1.json"
    before = lost.read_text()
    write_list(folder / "export", "tr", "s1", read_list(folder / "export", "tr", "s1")[:1])
    try:
        data = mixtures(folder, precomputed=True, encoder=LipEncoder(folder / WEIGHTS))
        assert data.kind == "embeddings"
        found = data[2].mouth
        assert {tuple(data[index].mouth.shape) for index in range(len(data))} == {(512, FRAMES)}
        assert np.abs(found.numpy() - wanted(folder / "LRS2/mouths/tr/A_00001.npz")).max() < 1e-5
    finally:
        lost.write_text(before)


def test_003_p3_the_originals_fallback_gives_another_type_and_shape(folder: Path) -> None:
    """With one source per item it is float64 (T, 50, 88) where (512, T) is expected; ours is never either."""
    theirs = ((np.zeros((75, 96, 96)) / 255.0)[:, 4:92, 4:92] - 0.421) / 0.165
    assert (theirs[:, :50].shape, theirs.dtype) == ((75, 50, 88), np.float64)
    assert mixtures(folder)[0].mouth.dtype == torch.float32


def test_short_mixtures_are_left_out_and_not_counted(folder: Path) -> None:
    assert len(mixtures(folder, segment=SEGMENT * 2)) == 0
    assert len(mixtures(folder, segment=None)) == 4


def test_wavs_and_lists_that_cannot_be_read_are_named(folder: Path) -> None:
    with pytest.raises(SpecError, match="16 bits at 8000 Hz"):
        mixtures(folder, rate=8000, segment=None)[0]
    with pytest.raises(NotFound):
        LipMixtures(str(folder / "nowhere"), "tr")
    with pytest.raises(NotFound):
        mixtures(folder, embeddings=str(folder / "nowhere"), precomputed=True)


@pytest.mark.parametrize("precomputed", [True, False])
def test_lists_that_were_written_on_another_machine_lead_to_the_same_samples(
    folder: Path, tmp_path: Path, *, precomputed: bool
) -> None:
    ready(folder, is_it=True)
    here = mixtures(folder, precomputed=precomputed)
    shutil.copytree(folder / "LRS2", tmp_path / "LRS2")
    shutil.copytree(folder / "out", tmp_path / "export" / "out")
    shutil.copytree(folder / "export/lists", tmp_path / "export", dirs_exist_ok=True)
    for speaker in ("mix", "s1", "s2"):
        for lists in (tmp_path / "LRS2/lists/tr", tmp_path / "export/tr"):
            rows = json.loads((lists / f"{speaker}.json").read_text())
            for row in rows:
                wav = Path(row[0])
                target = tmp_path / "LRS2/wavs" / speaker / wav.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(wav, target)
                row[0] = f"/mnt/elsewhere/LRS2/wavs/{speaker}/{wav.name}"
                if speaker != "mix":
                    row[1] = f"/mnt/elsewhere/{row[1].removeprefix(str(folder))}"
            (lists / f"{speaker}.json").write_text(json.dumps(rows))
    there = LipMixtures(
        str(tmp_path / "LRS2/lists"), "tr", root=str(tmp_path / "LRS2"), segment=SEGMENT,
        embeddings=str(tmp_path / "export"), precomputed=precomputed,
    )  # fmt: skip
    assert (there.kind, len(there)) == (here.kind, len(here))
    for one, other in zip(there, here, strict=True):
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(one[:3], other[:3], strict=True))
        assert one.name == other.name


def test_a_crop_that_is_nowhere_is_named_as_in_the_list(folder: Path, tmp_path: Path) -> None:
    lists = tmp_path / "LRS2/lists"
    shutil.copytree(folder / "LRS2/lists", lists)
    rows = json.loads((lists / "tr/s1.json").read_text())
    (lists / "tr/s1.json").write_text(json.dumps([[row[0], "/mnt/elsewhere/gone.npz", row[-1]] for row in rows]))
    with pytest.raises(NotFound, match=r"no file /mnt/elsewhere/gone\.npz, and no path below .* ends with it"):
        LipMixtures(str(lists), "tr", root=str(folder / "LRS2"), segment=SEGMENT)[0]


@pytest.mark.parametrize("precomputed", [True, False])
def test_a_small_model_trains_on_what_the_reader_gives(folder: Path, *, precomputed: bool) -> None:
    ready(folder, is_it=True)
    torch.manual_seed(0)
    data = mixtures(folder, precomputed=precomputed)
    width = 512 if precomputed else 8 * 8
    model = torch.nn.Linear(width, SAMPLES // FRAMES)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded.*fork.*", category=DeprecationWarning)
        for _ in range(4):
            for batch in DataLoader(data, batch_size=2, shuffle=True, num_workers=2):
                mouths = batch.mouth.transpose(1, 2) if precomputed else avg_pool2d(batch.mouth, 11).flatten(2)
                loss = (model(mouths).flatten(1) - batch.source).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
    assert len(losses) == 8
    assert sum(losses[-2:]) < sum(losses[:2])
