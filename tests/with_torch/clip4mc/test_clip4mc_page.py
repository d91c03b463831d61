"""The page about CLIP4MC is run as it stands: its pipeline, its commands, and its training loop."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import footage
from cli.terminal import reelmill

pytestmark = pytest.mark.store
PAGE = Path(__file__).resolve().parents[3] / "docs/systems/clip4mc.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def inputs(folder: Path) -> None:
    """Three videos, six spans of two of them for training and two of the third for the test."""
    (folder / "videos").mkdir()
    vids = ["aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc"]
    lines = ["url,filename"]
    for number, vid in enumerate(vids):
        film = footage.video(seconds=3.0, fps=12, size=(96 + 32 * number, 64), options=("-g", "6"))
        (folder / "videos" / f"film {number}.mp4").write_bytes(film.read_bytes())
        lines.append(f"https://www.youtube.com/watch?v={vid},film {number}")
    (folder / "info.csv").write_text("\n".join(lines) + "\n")
    rows = [
        {"vid": vid, "transcript clip": f"{word} in {vid}", "begin position": at, "end position": at + 1.0}
        | {"size": [0.1] * 16}
        for vid in vids
        for at, word in enumerate(("digging", "building", "fishing"))
    ]
    (folder / "dataset_train.json").write_text(json.dumps(rows[:6]))
    (folder / "dataset_test.json").write_text("\n".join(json.dumps(row) for row in rows[6:8]))


def test_the_page_leads_from_raw_videos_to_a_model_that_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inputs(tmp_path)
    (pipeline,) = blocks("yaml")
    Path("clip4mc.yaml").write_text(pipeline)
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        _, *arguments = shlex.split(line, comments=True)
        said = reelmill(*arguments)
        assert said.code == 0, (line, said.err, said.out)
    merged = json.loads(Path("out/dataset_info.json").read_text())
    assert {split: len(samples) for split, samples in merged.items()} == {"train": 6, "val": 6, "test": 2}
    assert all(Path(sample, "video_input.pkl").is_file() for samples in merged.values() for sample in samples)
    (training,) = blocks("python")
    space: dict[str, Any] = {}
    exec(training, space)
    losses = space["losses"]
    assert len(losses) == 16
    assert sum(losses[-2:]) < sum(losses[:2])
