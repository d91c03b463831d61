"""The sample of curation on nodes, with a model server in a pod: what it makes is what one machine makes."""

from pathlib import Path

import pytest
import yaml

import sample_inputs
from nodes.cluster_models import ClusterModels
from nodes.place import Place
from nodes.same_outputs import ledgers, run_here, same
from nodes.sample_pipelines import sample

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(1200)]


def test_the_curate_sample_on_nodes_gives_the_bytes_and_the_ledger_of_a_run_on_one_machine(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = place.s3.make_bucket()
    document = sample("curate/described.yaml", place.s3.endpoint, bucket)
    stages = {stage["name"]: stage for stage in document["spec"]["stages"]}
    models = ClusterModels(place.cluster, stages["captions"]["caption"]["model"]).start()
    for name, data in sample_inputs.films():
        place.s3.put(f"s3://{bucket}/described/in/videos/{name}", data)
    place.apply(document)

    alone = yaml.safe_load(yaml.safe_dump(document))
    next(one for one in alone["spec"]["stages"] if "caption" in one)["caption"]["server"]["url"] = models.outside
    here = run_here(alone, place.s3, tmp_path, monkeypatch)
    place.complete("described")
    there = place.s3.store(document["spec"]["store"]["uri"])
    same(there, here, document)
    lost = {
        name: sorted(reason for _, outcome, reason in rows if outcome == "filtered")
        for name, rows in ledgers(there, list(stages)).items()
    }
    assert lost == {name: [] for name in stages} | {"keep": ["static", "too_dark"], "distinct": ["duplicate"]}
    assert place.tries("described") == {1}
