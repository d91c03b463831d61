"""The same pipeline by `reelmill run` on this machine, into the same bucket, and whether two stores hold the same."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cli.terminal import reelmill
from nodes.cluster_s3 import ENV, ClusterS3
from reelmill.contract.records.layout import INTERNAL
from reelmill_stages.records.data_set import open_data_set
from reelmill_stages.store import Store

Json = dict[str, Any]


def run_here(document: Json, s3: ClusterS3, folder: Path, monkeypatch: Any) -> Store:
    """Run a pipeline from a file, with its store beside the cluster's. Gives the store."""
    document = yaml.safe_load(yaml.safe_dump(document))
    name = document["metadata"]["name"]
    document["spec"]["store"]["uri"] += "-here"
    document["spec"]["store"]["endpoint"] = s3.outside
    for source in document["spec"]["sources"]:
        if "s3" in source:
            source["s3"]["endpoint"] = s3.outside
        for variable, value in ENV.items():
            monkeypatch.setenv(f"{source['name'].upper()}_{variable}", value)
    for variable, value in ENV.items():
        monkeypatch.setenv(variable, value)
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document))
    said = reelmill("run", file, "-q", "-o", "json")
    assert said.code == 0, said.err
    return s3.store(document["spec"]["store"]["uri"])


def files(store: Store) -> dict[str, str]:
    """What users read: key -> digest of the bytes, of everything that is not reelmill's own record."""
    return {
        stat.key: hashlib.sha256(_content(stat.key, store.read(stat.key))).hexdigest()
        for stat in store.list()
        if f"{INTERNAL}/" not in stat.key and not stat.key.endswith("latest.json")
    }


def _content(key: str, data: bytes) -> bytes:
    """The bytes; of an npz those of its members, because patch releases of Python write other zip headers."""
    if not key.endswith(".npz"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(name.encode() + b"\0" + archive.read(name) for name in archive.namelist())


def ledgers(store: Store, names: list[str]) -> dict[str, set[tuple[str, str, str]]]:
    """Effective rows of every source and stage: key, outcome, reason. Each key has one."""
    found = {}
    for name in names:
        rows = list(open_data_set(store, name).ledger())
        assert len({row.key for row in rows}) == len(rows), f"{name} has a key twice"
        found[name] = {(row.key, str(row.outcome), row.reason) for row in rows}
    return found


def totals(store: Store, names: list[str]) -> dict[str, Mapping[str, int]]:
    """in = done + filtered + failed + skipped, asserted, for each."""
    found = {name: open_data_set(store, name).totals.model_dump(by_alias=True) for name in names}
    for name, counts in found.items():
        assert counts["in"] == sum(counts[word] for word in ("done", "filtered", "failed", "skipped")), (name, counts)
    return found


def same(one: Store, other: Store, document: Json) -> None:
    """Two stores hold the same files, byte for byte, and tell the same of every item."""
    names = [entry["name"] for part in ("sources", "stages") for entry in document["spec"][part]]
    here, there = files(one), files(other)
    assert here.keys() == there.keys()
    other_bytes = {key for key in here if here[key] != there[key]}
    assert other_bytes == set()
    assert here
    assert ledgers(one, names) == ledgers(other, names)
    assert totals(one, names) == totals(other, names)
