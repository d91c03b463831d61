"""Parameters of one's own code may be anything: no document that others read shows their texts."""

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml

from canaries.traces import traces
from cli.terminal import reelmill
from dashboard.places import page
from run.test_run_stage import LATER, films, importable, pipeline

pytestmark = pytest.mark.store  # needs no server, but the seconds that this tier may take
__all__ = ["importable"]
CANARIES = {
    "a parameter": "canary-of-a-parameter",
    "a variable": "canary-of-a-variable",
    "an annotation": "canary-of-an-annotation",
    "a comment": "AKIACANARYCANARYCANA",
}


@pytest.fixture
def finished(tmp_path: Path, importable: Path) -> Path:
    """The file of a pipeline with a canary in each place, after its run."""
    (importable / "later.py").write_text(LATER)
    films(tmp_path)
    (tmp_path / "films" / "broken.mp4").unlink()
    flag = tmp_path / "canary-of-a-parameter"
    flag.touch()
    path = pipeline(tmp_path, entrypoint="later:Later", params={"flag": str(flag), "minWidth": 8})
    body = yaml.safe_load(path.read_text())
    applied = json.dumps({"spec": {"env": [{"name": "A", "value": "canary-of-an-annotation"}]}})
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    body["spec"]["stages"][0]["env"] = [{"name": "LEVEL", "value": "canary-of-a-variable"}]
    path.write_text(yaml.safe_dump(body) + "# was AKIACANARYCANARYCANA\n")
    ran = reelmill("run", path, "-q")
    assert ran.code == 0, ran.err
    return path


def test_the_texts_of_parameters_are_in_no_document_for_others(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    stage = yaml.safe_load(finished.read_text())["spec"]["stages"][0]["name"]
    for words in (
        ("card", finished, stage, out / "card"),
        ("report", finished, "-o", out / "report.html"),
        ("lineage", finished, stage, "--to", out / "lineage.parquet"),
        ("support-bundle", finished, "-o", out / "bundle.tar.gz"),
        ("funnel", finished, "-o", "json"),
    ):
        said = reelmill(*words)
        assert said.code == 0, said.err
        (out / f"{words[0]}.txt").write_text(said.out)
    for number, place in enumerate(({"file": finished}, {"store": str(tmp_path / "store")})):
        with page(tmp_path / f"scratch{number}", **place) as client:  # type: ignore[arg-type]
            (one,) = client.get("/api/v1/pipelines").json()["rows"]
            base = f"/pipelines/{one['namespace']}/{one['name']}"
            for address in (f"/api/v1{base}/document", f"{base}/yaml", f"{base}/pipeline.yaml", f"/api/v1{base}"):
                answer = client.get(address)
                assert answer.status_code == 200, (address, answer.text)
                (out / f"page-{number}-{address.strip('/').replace('/', '-')}").write_text(answer.text)
    assert traces(out, CANARIES) == []
    assert "minWidth: 8" in (out / "card/README.md").read_text()


def test_an_item_whose_parameters_may_be_secret_cannot_be_made_from_a_card(finished: Path, tmp_path: Path) -> None:
    stage = yaml.safe_load(finished.read_text())["spec"]["stages"][0]["name"]
    assert reelmill("card", finished, stage, tmp_path / "card").code == 0
    sample = parquet.read_table(tmp_path / "card/items.parquet").column("key").to_pylist()[0]
    said = reelmill("rebuild", tmp_path / "card", "--sample", sample, "--to", tmp_path / "made")
    assert said.code == 2
    assert f"omits parameters of {stage}" in said.err
    assert not (tmp_path / "made").exists()
