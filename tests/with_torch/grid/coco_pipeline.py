"""The sample pipeline of grid features in a folder, with pictures and weights of one's own."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from cli.terminal import reelmill

SAMPLE = Path(__file__).resolve().parents[3] / "manifests/samples/grid/pipeline.yaml"


def pipeline(folder: Path, images: Path, weights: Path, source: dict[str, Any] | None = None, **grid: Any) -> Path:
    """The sample, its buckets being folders here; `grid` changes the stage's block, `source` the source's."""
    text = re.sub(r"s3://datasets", str(folder / "store"), SAMPLE.read_text())
    spec = yaml.safe_load(text)
    spec["spec"]["store"].pop("secretRef")
    spec["spec"]["sources"][0]["images"] |= {"uri": str(images), **(source or {})}
    stage = spec["spec"]["stages"][0]
    stage.pop("gpu")
    stage |= {"workers": 1}
    stage["grid"] |= {"weights": {"uri": str(weights)}, **grid}
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def run(path: Path, code: int = 0) -> dict[str, Any]:
    """Run to the end; stage -> what its status says."""
    said = reelmill("run", "-q", path, "-o", "json")
    assert said.code == code, said.err
    return {stage["name"]: stage for stage in json.loads(said.out)["stages"]}


def exported(path: Path, folder: Path) -> Path:
    said = reelmill("export", path, "features", folder)
    assert said.code == 0, said.err
    return folder


def failures(path: Path, stage: str = "features") -> dict[str, str]:
    """Key -> reason of what failed."""
    said = reelmill("ledger", path, "--stage", stage, "--outcome", "failed", "-o", "json")
    assert said.code == 0, said.err
    return {row["key"]: row["reason"] for row in json.loads(said.out)}
