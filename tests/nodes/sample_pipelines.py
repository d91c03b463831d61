"""The sample manifests, fitted to two small nodes and to the S3 server there: what a person would edit, and no more.

Endpoints become the cluster's, paths of the demo a bucket's, and requests for CPUs and memory that no node here has go.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cluster.client import documents
from repo.tree import ROOT

Json = dict[str, Any]
SAMPLES = ROOT / "manifests/samples"
URIS = ("uri", "base", "videos", "metadata", "info")
"""Fields of source blocks that say where."""
SECRET = "s3-credentials"


def paths() -> list[Path]:
    """Every file there that holds a VideoPipeline."""
    return [path for path in sorted(SAMPLES.rglob("*.yaml")) if any(pipelines(path))]


def pipelines(path: Path) -> Iterator[Json]:
    """The VideoPipelines of a file."""
    return (one for one in documents(path) if one.get("kind") == "VideoPipeline")


def sample(path: str, endpoint: str, bucket: str) -> Json:
    """The sample at a path below the folder, fitted, with all that it reads and writes below `s3://bucket/NAME/`."""
    (document,) = pipelines(SAMPLES / path)
    document = fitted(document, endpoint)
    below = f"s3://{bucket}/{document['metadata']['name']}"
    for block in _blocks(document):
        for field, uri in block.items():
            if field in URIS and isinstance(uri, str):
                block[field] = f"{below}/in/{re.sub('^s3://[^/]*/', '', uri)}"
    document["spec"]["store"]["uri"] = f"{below}/out"
    return document


def fitted(document: Json, endpoint: str) -> Json:
    """A pipeline for the nodes of the tests."""
    document = yaml.safe_load(yaml.safe_dump(document))
    spec = document["spec"]
    spec["store"] = {"secretRef": {"name": SECRET}, **spec["store"], "endpoint": endpoint}
    if "://" not in spec["store"]["uri"]:
        _move_to_bucket(document)
    for source in spec["sources"]:
        if "s3" in source:
            source["s3"]["endpoint"] = endpoint
    for part in (*spec["stages"], spec.get("defaults", {}), spec.get("control", {})):
        part.pop("resources", None)
    return document


def blocks(path: Path) -> set[str]:
    """Names of the stages' blocks and fields in a file."""
    return {word for one in pipelines(path) for stage in one["spec"]["stages"] for word in stage}


def on_cpu(stage: Json) -> None:
    """Keep a stage on the node without GPUs."""
    stage["nodeSelector"] = {"kubernetes.io/hostname": "reel-cpu"}


def buckets(document: Json) -> set[str]:
    """The buckets that a pipeline names."""
    words = yaml.safe_dump(document).replace("'", " ").replace('"', " ").split()
    return {word.removeprefix("s3://").partition("/")[0] for word in words if word.startswith("s3://")}


def _blocks(document: Json) -> list[Json]:
    sources = document["spec"]["sources"]
    return [value for source in sources for name, value in source.items() if isinstance(value, dict) and name != "s3"]


def _move_to_bucket(document: Json) -> None:
    """What lies in a folder lies in a bucket that is called like the pipeline."""
    bucket, store = document["metadata"]["name"], document["spec"]["store"]
    store["uri"] = f"s3://{bucket}/{store['uri']}"
    for block in (*_blocks(document), *_files(document)):
        block.update({field: f"s3://{bucket}/{block[field]}" for field in URIS if field in block})


def _files(document: Json) -> list[Json]:
    """The files that parameters of stages name."""
    blocks = [block for stage in document["spec"]["stages"] for block in stage.values() if isinstance(block, dict)]
    fields = [field for block in blocks for field in block.values()]
    return [field for field in fields if isinstance(field, dict) and "uri" in field]
