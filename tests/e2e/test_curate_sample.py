"""The sample of curation, from films to tars: each film meets the stage that is there for its kind."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import sample_inputs
from cli.terminal import reelmill
from servers.models import MODEL, Models, serving

pytestmark = pytest.mark.store
SAMPLE = Path(__file__).resolve().parents[2] / "manifests/samples/curate/described.yaml"


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    with serving(tmp_path / "models") as server:
        yield server


def test_films_become_tars_of_described_scenes_and_the_funnel_tells_what_became_of_the_others(
    models: Models, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    for name, data in sample_inputs.films():
        (tmp_path / "videos" / name).write_bytes(data)
    text = (
        SAMPLE.read_text()
        .replace("http://vllm.models:8000/v1", models.url)
        .replace("Qwen/Qwen2.5-VL-7B-Instruct", MODEL)
    )
    text = text.replace("uri: data", f"uri: {tmp_path}/data").replace("uri: videos/", f"uri: {tmp_path}/videos/")
    path = tmp_path / "described.yaml"
    path.write_text(text)
    said = reelmill("run", path, "-q")
    assert said.code == 0, said.err

    for stage in ("scenes", "measured", "keep", "distinct", "captions", "tars"):
        judged = reelmill("check", path, "--stage", stage)
        assert judged.code == 0, judged.out + judged.err

    rows = {row["name"]: row for row in json.loads(reelmill("funnel", path, "-o", "json").out)}
    lost = {name: {one["reason"]: one["items"] for one in row["lost"]} for name, row in rows.items() if row["lost"]}
    assert lost == {"keep": {"too_dark": 1, "static": 1}, "distinct": {"duplicate": 1}}
    assert rows["distinct"]["items_out"] == rows["captions"]["items_out"] == 2
    assert rows["distinct"]["seconds_in"] == pytest.approx(9, abs=0.2)
    assert rows["distinct"]["seconds_out"] == pytest.approx(6, abs=0.2)
    (row,) = json.loads(reelmill("ledger", path, "-s", "distinct", "--outcome", "filtered", "-o", "json").out)
    assert "a.mp4" in row["message"]
    (packed,) = (tmp_path / "data").glob("tars/*/0001/*.tar")
    with tarfile.open(packed) as tar:
        described = [json.load(tar.extractfile(one)) for one in tar if one.name.endswith(".json")]  # type: ignore[arg-type]
    assert len(described) == 2
    assert all("8 pictures" in json.dumps(one) for one in described), described
