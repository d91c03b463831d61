"""The sample pipeline of lip reading, from crops and lists to a model that trains, and what stops or changes it."""

import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cli.terminal import reelmill
from lip_crops import crops
from reelmill_stages.datasets.lips import LipMixtures
from repo.pages import blocks
from with_torch.embed.lip_desk import save_weights, wanted
from with_torch.embed.lip_folder import FRAMES, SAMPLES, WEIGHTS, edited, exported, ledger, run, sample, with_sound
from with_torch.embed.lip_reference import reference

pytestmark = pytest.mark.store  # needs no server, but torch


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished run in which one file of `cv` is broken; the folder, and the stages."""
    folder = tmp_path_factory.mktemp("lips")
    pipeline = edited(sample(folder), 'tolerate: "0"', 'tolerate: "1"')
    with_sound(folder)
    np.savez(folder / "LRS2/mouths/cv/A_00000.npz", frames=crops())
    return folder, run(pipeline)


def test_the_commands_of_the_page_lead_from_crops_to_a_folder_that_passes_its_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample(tmp_path)
    (shown,) = blocks("docs/systems/lips.md", "yaml")
    (tmp_path / "lips.yaml").write_text(f"{shown}    workers: 1\n")
    monkeypatch.chdir(tmp_path)
    (commands,) = blocks("docs/systems/lips.md", "sh")
    for line in commands.splitlines():
        _, *words = shlex.split(line, comments=True)
        said = reelmill(*words)
        assert said.code == 0, (line, said.err, said.out)


def test_003_f06_one_bad_file_stops_nothing_and_is_counted(done: tuple[Path, dict[str, Any]]) -> None:
    folder, stages = done
    assert stages["embeddings"]["totals"] == {"in": 12, "done": 11, "filtered": 0, "failed": 1, "skipped": 0}
    rows = ledger(folder / "pipeline.yaml")
    assert rows["mouths/cv/A_00000.npz"] == ("failed", "no_data_key")
    assert sum(outcome == "done" for outcome, _ in rows.values()) == 11


def test_003_f04_each_file_has_its_embedding_in_a_mirror_of_the_tree(done: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = done
    out = exported(folder / "pipeline.yaml", folder / "mirror")
    for split, speaker in (("tr", "A"), ("tt", "B")):
        name = f"mouths/{split}/{speaker}_00001"
        with np.load(out / "0001" / f"{name}_embedding.npz") as archive:
            assert archive.files == ["embedding"]
            found = archive["embedding"]
        assert (found.shape, found.dtype) == ((512, FRAMES), np.float32)
        assert np.abs(found - wanted(folder / "LRS2" / f"{name}.npz")).max() < 1e-5
    assert not (out / "0001/mouths/cv/A_00000_embedding.npz").exists()


def test_003_f14_an_embedding_takes_a_fraction_of_its_crops_and_their_count_is_known(
    done: tuple[Path, dict[str, Any]],
) -> None:
    folder, stages = done
    stored = sorted(folder.glob("stores/*/embeddings/*/0001/mouths/tr/*.npz"))
    assert len(stored) == len(list((folder / "LRS2/mouths/tr").iterdir())) == 4
    assert stages["embeddings"]["items"] == 11
    for path in stored:
        raw = folder / "LRS2/mouths/tr" / path.name.replace("_embedding", "")
        assert path.stat().st_size < 0.4 * raw.stat().st_size


def test_d21_only_whole_splits_are_marked_ready_and_lists_lead_there(done: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = done
    out = exported(folder / "pipeline.yaml", folder / "marked")
    assert [(out / split / "ready.json").exists() for split in ("tr", "cv", "tt")] == [True, False, True]
    assert json.loads((out / "cv/missing.json").read_text())["missing"] == [[0, "s1"]]
    for split in ("tr", "cv", "tt"):
        for speaker in ("s1", "s2"):
            for _, path, _ in json.loads((out / split / f"{speaker}.json").read_text()):
                # This is how the original's reader finds it.
                assert Path(path.replace(".npz", "_embedding.npz")).is_file()
    said = reelmill("check", out, "-o", "json")
    broken = {(row["file"], row["rule"]) for row in json.loads(said.out) if not row["ok"]}
    assert broken == {("cv/ready.json", "ready")}


def test_003_f05_a_second_run_does_nothing_and_only_what_is_asked_for_is_done_again(
    done: tuple[Path, dict[str, Any]],
) -> None:
    folder, before = done
    again = run(folder / "pipeline.yaml")
    assert again["embeddings"]["segments"] == before["embeddings"]["segments"] == 1
    assert again["embeddings"]["totals"] == before["embeddings"]["totals"]
    plan = json.loads(
        reelmill("plan", edited(_copy(folder, "rerun.yaml"), "    gpu:", '    rerun: "2"\n    gpu:'), "-o", "json").out
    )
    (would,) = [row["would"] for row in plan if row["name"] == "embeddings"]
    assert would != "cached"


def test_003_f08_progress_is_reported_while_a_shard_runs(done: tuple[Path, dict[str, Any]]) -> None:
    (log,) = done[0].glob("stores/*/embeddings/*/0001/_reelmill/logs/*.jsonl")
    told = [row for row in map(json.loads, log.read_text().splitlines()) if row["msg"] == "progress"]
    assert told[0]["done"] == 0
    assert (told[-1]["in"], told[-1]["done"], told[-1]["failed"]) == (12, 11, 1)


def test_003_f13_several_shards_in_batches_give_the_same_compressed_bytes(
    done: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    pipeline = edited(sample(tmp_path, splits=("tr",)), "    workers: 8\n", "    workers: 1\n    shards: 2\n")
    edited(pipeline, "      model:", "      batchSize: 2\n      model:")
    assert run(pipeline)["embeddings"]["totals"]["done"] == 4
    assert len(list(tmp_path.glob("stores/*/embeddings/*/0001/_reelmill/shards/*.json"))) == 2
    for path in sorted(tmp_path.glob("stores/*/embeddings/*/0001/mouths/tr/*.npz")):
        (other,) = done[0].glob(f"stores/*/embeddings/*/0001/mouths/tr/{path.name}")
        assert np.abs(np.load(path)["embedding"] - np.load(other)["embedding"]).max() < 1e-5
        assert {entry.compress_type for entry in zipfile.ZipFile(path).infolist()} == {zipfile.ZIP_DEFLATED}


def test_the_sample_goes_from_crops_to_a_model_that_trains(done: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = done
    torch.manual_seed(0)
    place = str(folder / "stores/lrs2-lips/embeddings")
    data = LipMixtures(str(folder / "LRS2/lists"), "tr", embeddings=place, precomputed=True, segment=SAMPLES / 16000)
    assert data.kind == "embeddings"
    model = torch.nn.Linear(512, SAMPLES // FRAMES)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        for batch in DataLoader(data, batch_size=2, shuffle=True):
            loss = (model(batch.mouth.transpose(1, 2)).flatten(1) - batch.source).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0]


def _copy(folder: Path, name: str) -> Path:
    return Path(shutil.copyfile(folder / "pipeline.yaml", folder / name))


def _without(name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in reference().state_dict().items() if key != name}


BAD_WEIGHTS: dict[str, tuple[Any, str]] = {
    "missing": (_without("trunk.layer3.0.bn2.weight"), "1 missing: trunk.layer3.0.bn2.weight"),
    "extra": ({**reference().state_dict(), "head.weight": torch.zeros(2)}, "1 unexpected: head.weight"),
    "shape": ({**reference().state_dict(), "frontend3D.2.weight": torch.zeros(1)}, "frontend3D.2.weight is (1,)"),
    "nothing": ({"epoch": 3}, "it contains no named tensors"),
    "text": ("text", "not a file of weights"),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_003_f07_wrong_weights_are_refused_by_name_before_any_item(case: str, tmp_path: Path) -> None:
    state, said = BAD_WEIGHTS[case]
    pipeline = sample(tmp_path, splits=("tr",), rows=1)
    if isinstance(state, str):
        (tmp_path / WEIGHTS).write_text("not weights at all")
    else:
        torch.save({"model_state_dict": state} if case != "nothing" else state, tmp_path / WEIGHTS)
    told = reelmill("run", "-q", pipeline)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err
    assert not list(tmp_path.glob("stores/*/embeddings/*/0001/_reelmill/pass.json"))


def test_003_f07_missing_weights_are_named_before_any_item(tmp_path: Path) -> None:
    pipeline = sample(tmp_path, splits=("tr",), rows=1)
    (tmp_path / WEIGHTS).unlink()
    told = reelmill("run", "-q", pipeline)
    assert told.code == 2
    assert "no such file" in told.err
    assert WEIGHTS in told.err


def test_d23_a_killed_run_leaves_no_file_that_counts_as_done_and_the_next_one_continues(tmp_path: Path) -> None:
    pipeline = edited(sample(tmp_path, splits=("tr",), rows=1), "    workers: 8\n", "    workers: 1\n")
    command = [sys.executable, "-m", "reelmill.cli", "run", "-q", str(pipeline)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("stores/*/embeddings/*/0001/_reelmill/pass.json")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    stored = list(tmp_path.glob("stores/*/embeddings/*/0001/mouths/*/*"))
    assert all(np.load(path)["embedding"].shape == (512, FRAMES) for path in stored)
    assert run(pipeline)["embeddings"]["totals"]["done"] == 2
    out = exported(pipeline, tmp_path / "out")
    assert len(list(out.rglob("*_embedding.npz"))) == 2


def test_003_f12_changed_weights_are_reported_and_their_digest_does_everything_again(tmp_path: Path) -> None:
    pipeline = edited(sample(tmp_path, splits=("tr",), rows=1), "    workers: 8\n", "    workers: 1\n")
    first = run(pipeline)["embeddings"]
    place = tmp_path / "stores/lrs2-lips"
    save_weights(tmp_path / WEIGHTS, reference(seed=5))
    digest = hashlib.sha256((tmp_path / WEIGHTS).read_bytes()).hexdigest()
    edited(pipeline, f"{WEIGHTS}}}", f'{WEIGHTS}, digest: "sha256:{digest}"}}')
    second = run(pipeline)["embeddings"]
    assert second["key"] != first["key"]
    stored = [place / stage["path"] / "0001/mouths/tr/A_00000_embedding.npz" for stage in (first, second)]
    arrays = [np.load(path)["embedding"] for path in stored]
    assert np.abs(arrays[0] - arrays[1]).max() > 1e-3
