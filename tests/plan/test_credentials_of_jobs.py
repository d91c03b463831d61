"""Credentials of Jobs are references to Secrets, in variables named after the kind of server and the source."""

import pytest

from plan.made_jobs import CLIPS, STORE, container, jobs
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore


def test_credentials_are_named_and_each_source_has_its_own() -> None:
    sources = [
        {"name": "raw", "files": {"uri": "s3://in/"}, "s3": {"secretRef": {"name": "raw-keys"}}},
        {"name": "2nd-set", "files": {"uri": "s3://in2/"}, "s3": {"endpoint": "http://other"}},
    ]
    job = jobs({"from": ["raw", "2nd-set"]}, sources=sources)["shards"]
    env = {variable["name"]: variable for variable in container(job)["env"]}
    assert env["AWS_ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"] == {"name": "store-keys", "key": "AWS_ACCESS_KEY_ID"}
    secret = env["RAW_AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "raw-keys", "key": "AWS_SECRET_ACCESS_KEY"}
    assert env["RAW_AWS_SESSION_TOKEN"]["valueFrom"]["secretKeyRef"]["optional"] is True
    assert env["RAW_AWS_CA_BUNDLE"]["value"] == "/etc/reelmill/ca/source-raw/ca.crt"
    assert not [name for name in env if "2ND_SET" in name]
    mounted = {mount["name"] for mount in container(job)["volumeMounts"]}
    assert {"ca-store", "ca-source-raw", "scratch"} == mounted


def test_credentials_for_azure_have_azures_names() -> None:
    sources = [{"name": "raw", "files": {"uri": "az://in/"}, "s3": {"secretRef": {"name": "raw-keys"}}}]
    store = {"uri": "az://data/x", "secretRef": {"name": "store-keys"}}
    env = {each["name"]: each for each in container(jobs({}, sources=sources, store=store)["shards"])["env"]}
    names = ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN")
    for variable, secret, key in [
        *((name, "store-keys", name) for name in names),
        ("RAW_" + names[1], "raw-keys", names[1]),
    ]:
        assert env[variable]["valueFrom"]["secretKeyRef"] == {"name": secret, "key": key, "optional": True}
    assert not [name for name in env if "AWS" in name]


@pytest.mark.parametrize(("scheme", "name"), [("gs", "GOOGLE_SERVICE_ACCOUNT_KEY"), ("hf", "HF_TOKEN")])
def test_a_source_has_the_one_variable_of_its_server(scheme: str, name: str) -> None:
    uri = {"gs": "gs://in/", "hf": "hf://datasets/owner/name/"}[scheme]
    sources = [{"name": "raw", "files": {"uri": uri}, "s3": {"secretRef": {"name": "raw-keys"}}}]
    env = {each["name"]: each for each in container(jobs({}, sources=sources)["shards"])["env"]}
    assert env[f"RAW_{name}"]["valueFrom"]["secretKeyRef"] == {"name": "raw-keys", "key": name}
    assert [each for each in env if each.startswith("RAW_")] == [f"RAW_{name}"]


BLOCKS: dict[str, dict[str, str]] = {
    "clip4mc": {"metadata": "URI/train.json", "videos": "URI/videos/"},
    "lips": {"lists": "URI/lists/", "root": "URI/mouths/"},
    "multiview": {"videos": "URI/"},
    "table": {"uri": "URI/table.csv"},
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(("source", "store", "key"), [("s3", "az", "AWS_ACCESS"), ("az", "s3", "AZURE_STORAGE")])
def test_credentials_of_a_source_are_named_by_its_own_kind_of_server(
    block: str, source: str, store: str, key: str
) -> None:
    fields = {name: value.replace("URI", f"{source}://in") for name, value in BLOCKS[block].items()}
    raw = {"name": "raw", block: fields, "s3": {"secretRef": {"name": "raw-keys"}}}
    spec = pipeline([{"name": "facts", "run": {"entrypoint": "a:B"}}], sources=[raw], store={"uri": f"{store}://out"})
    cluster = SimulatedCluster(spec)
    cluster.reconcile()
    (survey,) = cluster.jobs.values()
    keys = {each["name"] for each in container(survey)["env"] if each["name"].startswith("RAW_")}
    assert f"RAW_{key}_KEY{'_ID' if source == 's3' else ''}" in keys
    assert all(name.startswith(f"RAW_{key.split('_')[0]}_") for name in keys)


def test_the_survey_has_the_keys_of_the_servers_that_stages_ask_and_no_other_variable_of_theirs() -> None:
    variables = [
        {"name": "LOOKER_KEY", "secretRef": {"name": "looker"}, "key": "token"},
        {"name": "OTHER", "value": "x"},
    ]
    server = {"url": "http://models/v1", "apiKeyEnv": "LOOKER_KEY"}
    made = jobs({"clip": None, "caption": {"server": server, "model": "m", "concurrency": 5}, "env": variables})
    env = {name: {one["name"]: one for one in container(job)["env"]} for name, job in made.items()}
    assert env["survey"]["LOOKER_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "looker", "key": "token"}
    assert "OTHER" not in env["survey"]
    assert env["shards"].keys() > {"LOOKER_KEY", "OTHER"}
    assert '"workers":5' in env["shards"]["REELMILL_TASK"]["value"]


def test_a_source_without_a_secret_does_not_get_the_stores_keys() -> None:
    sources = [{"name": "raw", "files": {"uri": "s3://in/"}, "s3": {"endpoint": "http://other"}}]
    made = SimulatedCluster(pipeline([CLIPS], sources=sources, store=STORE), SymbolicStore(bucket={"raw": ["v"]}))
    made.settle()
    (source,) = made.task(made.created[0]).sources
    assert source.connection
    assert source.connection.env_prefix == "RAW_"
    open_store = pipeline([CLIPS], sources=sources)
    made = SimulatedCluster(open_store, SymbolicStore(bucket={"raw": ["v"]}))
    made.settle()
    (source,) = made.task(made.created[0]).sources
    assert source.connection
    assert source.connection.env_prefix == ""
