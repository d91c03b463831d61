"""The pipeline that a command refers to: a valid resource name means the cluster, anything else is a file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli.cluster.client import ClusterClient, connected_client
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.cluster.refusals import NoCluster, NoSuchPipeline
from reelmill.cli.display.terminal import program
from reelmill.cli.input import pipeline
from reelmill.cli.input.document import YamlDocument
from reelmill.cli.input.options import AS_NAMED, ClusterOptions, StoreOverride, given
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.errors import SpecError
from reelmill.contract.spec.pipeline import API_VERSION, KIND

Target = Annotated[
    str,
    typer.Argument(
        metavar="PIPELINE", help="A pipeline file, or the name of a pipeline in the cluster.", show_default=False
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a pipeline in the cluster.", show_default=False)]
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")


def is_name(target: str) -> bool:
    """Whether an argument is a pipeline name: lower-case letters, digits and hyphens. `x.yaml` and `./x` are files."""
    return bool(_NAME.match(target))


def local(target: str, place: ClusterOptions, elsewhere: StoreOverride) -> Loaded:
    """The pipeline of a file. Raises SpecError if options for a cluster are given."""
    if options := given(place):
        raise SpecError(
            f"{options[0]} requires the name of a pipeline in a cluster, but {target} is a file",
            hint=f"remove {options[0]}, or give the name of the pipeline",
        )
    return pipeline.load(target, elsewhere)


def stored(target: str, place: ClusterOptions, elsewhere: StoreOverride = AS_NAMED) -> Loaded:
    """The pipeline for a command that reads its store, from a file or from the cluster."""
    if not is_name(target):
        return local(target, place, elsewhere)
    with named(target, place) as (_, resource):
        return of_resource(resource, elsewhere)


@contextmanager
def named(name: str, place: ClusterOptions) -> Iterator[tuple[ClusterClient, Json]]:
    """A connection to the cluster and a pipeline in it. Raises SpecError if there is none with that name."""
    _check_is_name(name)
    try:
        with connected_client(place) as link:
            yield link, link.pipeline(name)
    except (NoCluster, NoSuchPipeline) as error:
        if Path(name).exists():
            raise SpecError(error.what, hint=f"{error.hint}; to use the file of that name, write ./{name}") from None
        raise


def _check_is_name(name: str) -> None:
    """Raises SpecError for an argument that is a file."""
    if not is_name(name):
        raise SpecError(
            f"{name} is not a valid pipeline name",
            hint=f"give the name of a pipeline in the cluster; `{program()} status` lists them" + _file_hint(name),
        )


def _file_hint(name: str) -> str:
    return f"; to run a file, use `reelmill run {name}`" if name.endswith((".yaml", ".yml")) else ""


def of_resource(resource: Json, elsewhere: StoreOverride = AS_NAMED) -> Loaded:
    """A resource of the cluster, validated like a file. Raises Problems if this release cannot read its spec."""
    metadata = resource["metadata"]
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {name: metadata[name] for name in ("name", "namespace")},
        "spec": resource.get("spec") or {},
    }
    return pipeline.validated_document(
        YamlDocument(metadata["name"], body, {}), elsewhere, uid=metadata.get("uid") or ""
    )


def refuse_local_options(name: str, *groups: object) -> None:
    """Raises SpecError if options of a local run are given for a pipeline in the cluster."""
    if options := given(*groups):
        raise SpecError(
            f"{options[0]} requires a pipeline file, but {name} is the name of a pipeline in the cluster",
            hint=f"remove {options[0]}; to use a file of that name, write ./{name}",
        )
