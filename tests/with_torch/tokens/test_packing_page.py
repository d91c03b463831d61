"""The page about packing is run as it stands: its pipeline, its commands, and its training loop."""

import json
import pickle
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import footage
from cli.terminal import reelmill
from tokens import models

pytestmark = pytest.mark.store
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/systems/packing.md"
SAMPLE = ROOT / "manifests/samples/packing/pipeline.yaml"
COUNT = 5


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def inputs(folder: Path) -> None:
    """Captioned videos, a broken one, and a tokenizer of the original's shape."""
    (folder / "videos").mkdir()
    captions = {"image": {}, "value": {}}
    for number in range(COUNT):
        film = footage.video(seconds=1.0 + number / 5, fps=12, size=(64, 48), options=("-g", "6"), audio=False)
        (folder / f"videos/{number}.mp4").write_bytes(film.read_bytes())
        captions["image"][str(number)] = f"{number}.mp4"
        captions["value"][str(number)] = models.TEXTS[number]
    (folder / "videos/broken.mp4").write_bytes(b"no video")
    captions["image"][str(COUNT)], captions["value"][str(COUNT)] = "broken.mp4", "lost"
    (folder / "webvid_train.json").write_text(json.dumps(captions))
    models.write(folder)


def test_the_page_shows_the_sample(tmp_path: Path) -> None:
    (pipeline,) = blocks("yaml")
    assert pipeline.splitlines()[1:] == SAMPLE.read_text().splitlines()[1:]


def test_the_page_leads_from_raw_videos_to_a_model_that_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inputs(tmp_path)
    (pipeline,) = blocks("yaml")
    small = 'samplesPerTar: 2, frames: 6}\n    failures: {tolerate: "50%"}'
    Path("packing.yaml").write_text(pipeline.replace("samplesPerTar: 500}", small))
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        said = reelmill(*arguments)
        assert said.code == 0, (line, said.err, said.out)
    about = json.loads(Path("out/packs/tokens.json").read_text())
    assert (about["samples"], about["documents"], about["leftOut"]) == (COUNT, COUNT, {})
    assert about["symbols"] == {"patch": 32000, "start": 32001, "end": 32002, "bos": 1, "eos": 2}
    index = pickle.loads(Path("out/index/index.pkl").read_bytes())
    assert sum(row["nsamples"] for row in index) == about["packs"]
    assert all(Path(row["url"]).is_file() for row in index)
    (training,) = blocks("python")
    space: dict[str, Any] = {}
    exec(training, space)
    losses = space["losses"]
    assert len(losses) == 4 * about["packs"]
    assert losses[-1] < losses[0]
