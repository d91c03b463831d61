"""What a command is about: a word that could be a pipeline's name is one in the cluster, anything else is a file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli.cluster.client import ClusterClient, edge
from reelmill.cli.cluster.observed import Json
from reelmill.cli.cluster.refusals import NoSuchPipeline
from reelmill.cli.display.output import program
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
    """Whether a word is a pipeline's name: small letters, digits and hyphens. `x.yaml` and `./x` are files."""
    return bool(_NAME.match(target))


def local(target: str, place: ClusterOptions, elsewhere: StoreOverride) -> Loaded:
    """The pipeline of a file. Raises SpecError where options say that a cluster is meant."""
    if said := given(place):
        raise SpecError(
            f"{said[0]} goes with the name of a pipeline in a cluster, and {target} is a file",
            hint="leave it out, or name the pipeline",
        )
    return pipeline.load(target, elsewhere)


def stored(target: str, place: ClusterOptions, elsewhere: StoreOverride = AS_NAMED) -> Loaded:
    """A pipeline for a command that reads its store: from a file, or as the cluster has it."""
    if not is_name(target):
        return local(target, place, elsewhere)
    with named(target, place) as (_, resource):
        return of_resource(resource, elsewhere)


@contextmanager
def named(name: str, place: ClusterOptions) -> Iterator[tuple[ClusterClient, Json]]:
    """A pipeline in the cluster, and the connection to it. Raises SpecError where there is none of that name."""
    _must_be_name(name)
    with edge(place) as link:
        try:
            resource = link.pipeline(name)
        except NoSuchPipeline as error:
            if Path(name).is_file():
                raise SpecError(error.what, hint=f"for the file of that name say ./{name}") from None
            raise
        yield link, resource


def _must_be_name(name: str) -> None:
    """Raises SpecError for a word that is a file."""
    if not is_name(name):
        raise SpecError(
            f"{name} is no pipeline's name",
            hint=f"name a pipeline in the cluster; `{program()} status` lists them" + _on_file(name),
        )


def _on_file(name: str) -> str:
    return f"; on a file works `reelmill run {name}`" if name.endswith((".yaml", ".yml")) else ""


def of_resource(resource: Json, elsewhere: StoreOverride = AS_NAMED) -> Loaded:
    """A resource of the cluster, understood like a file. Raises Problems where this release cannot read its spec."""
    metadata = resource["metadata"]
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {name: metadata[name] for name in ("name", "namespace")},
        "spec": resource.get("spec") or {},
    }
    return pipeline.understand(YamlDocument(metadata["name"], body, {}), elsewhere, uid=metadata.get("uid") or "")


def only_local(name: str, *groups: object) -> None:
    """Raises SpecError where options of a run on this machine are given for a pipeline in the cluster."""
    if said := given(*groups):
        raise SpecError(
            f"{said[0]} goes with a pipeline file, and {name} is a pipeline in the cluster",
            hint=f"leave it out; for a file of that name say ./{name}",
        )
