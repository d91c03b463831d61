"""The sample pipeline of lip reading in a folder of its own: small crops, lists, wavs, seeded weights, a run."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

from cli.terminal import reelmill
from lip_crops import lip_set, read_list, write_list
from with_torch.embed.lip_desk import save_weights

SAMPLE = Path(__file__).resolve().parents[3] / "manifests/samples/lips/pipeline.yaml"
WEIGHTS = "lrw_resnet18_mstcn_adamw_s3.pth.tar"
FRAMES, SAMPLES = 5, 3200
"""A clip of 0.2 s."""


def sample(folder: Path, **found: Any) -> Path:
    """Everything that the sample pipeline reads; gives the pipeline's file."""
    lip_set(folder / "LRS2", **{"frames": FRAMES, "rows": 2, **found})
    save_weights(folder / WEIGHTS)
    path = folder / "pipeline.yaml"
    text = SAMPLE.read_text().replace("    secretRef: {name: s3-credentials}\n", "")
    for bucket, place in (("s3://raw", folder), ("s3://models", folder), ("s3://datasets", folder / "stores")):
        text = text.replace(bucket, str(place))
    path.write_text(text)
    return path


def edited(pipeline: Path, before: str, after: str) -> Path:
    """The pipeline with a part of its text replaced."""
    text = pipeline.read_text()
    assert text.count(before) == 1, before
    pipeline.write_text(text.replace(before, after))
    return pipeline


def sound(path: Path, samples: int = SAMPLES, seed: int = 0) -> None:
    """A wav of 16-bit noise at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-3000, 3000, samples, dtype=np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(noise.tobytes())


def with_sound(folder: Path, samples: int = SAMPLES) -> None:
    """Wavs for every row, at the places that the lists then name."""
    root = folder / "LRS2"
    for lists in sorted((root / "lists").iterdir()):
        for name in ("mix", "s1", "s2"):
            rows = read_list(root, lists.name, name)
            for number, row in enumerate(rows):
                path = folder / str(row[0]).lstrip("/")
                sound(path, samples, number)
                row[0], row[-1] = str(path), samples
            write_list(root, lists.name, name, rows)


def run(pipeline: Path, code: int = 0) -> dict[str, Any]:
    """Run to the end; the stages by name."""
    said = reelmill("run", "-q", pipeline, "-o", "json")
    assert said.code == code, said.err
    return {stage["name"]: stage for stage in json.loads(said.out)["stages"]}


def exported(pipeline: Path, to: Path) -> Path:
    """A plain folder of what the stage made."""
    said = reelmill("export", pipeline, "embeddings", to, "-o", "json")
    assert said.code == 0, said.err
    return to


def ledger(pipeline: Path, name: str = "embeddings") -> dict[str, tuple[str, str]]:
    """Key -> (outcome, reason)."""
    outcomes = [word for outcome in ("done", "failed") for word in ("--outcome", outcome)]
    said = reelmill("ledger", pipeline, "--stage", name, *outcomes, "-o", "json")
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in said.out.splitlines()] if said.out[:1] == "{" else json.loads(said.out)
    return {row["key"]: (row["outcome"], row["reason"]) for row in rows}
