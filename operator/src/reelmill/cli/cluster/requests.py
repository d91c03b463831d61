"""Requests to a pipeline in a cluster, made by annotation or by editing the spec, and their confirmation messages."""

import secrets
import time
from collections.abc import Callable
from typing import Annotated

import typer

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.follow import follow
from reelmill.cli.cluster.pipeline_view import Json, plain, validated_pipeline
from reelmill.cli.cluster.target import named
from reelmill.cli.display.output import Format, emit
from reelmill.cli.display.terminal import program, say
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import SpecError
from reelmill.plan.requests import annotation

Stages = Annotated[
    list[str] | None, typer.Option("--stage", "-s", help="Limit to this stage; repeatable. Default: all stages.")
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Watch the pipeline until it completes or fails.")]

Answer = tuple[Json, list[str]]
"""(the resource after the request, the lines to print)."""


def command_builder(name: str, place: ClusterOptions) -> Callable[..., str]:
    """A function that builds command lines for hints, with the namespace and context options that were given."""
    flags = [f"-n {place.namespace}"] if place.namespace else []
    flags += [f"--context {place.context}"] if place.context else []

    def line(verb: str, rest: str = "") -> str:
        return " ".join((program(), verb, name, *([rest] if rest else []), *flags))

    return line


def send_request(
    name: str,
    place: ClusterOptions,
    output: Format,
    ask: Callable[[ClusterClient, Json], Answer],
    *,
    watch: bool = False,
) -> None:
    """Fetch the pipeline, apply `ask`, print the result, and follow the pipeline if `watch` is set."""
    with named(name, place) as (link, found):
        resource, lines = ask(link, found)
        if output.for_people:
            for line in lines:
                say(line)
        else:
            emit(plain(resource), output)
        if watch:
            follow(link, name, output)


def request(
    link: ClusterClient, resource: Json, kind: str, stages: tuple[str, ...] = (), classes: tuple[str, ...] = ()
) -> Json:
    """Annotate a pipeline with a request. Raises SpecError for a stage that the pipeline does not have."""
    must_have(resource, stages)
    text = annotation(token(), stages=stages, classes=classes)
    return link.merge(resource["metadata"]["name"], {"metadata": {"annotations": {kind: text}}})


def token() -> str:
    """A unique token: a UTC time stamp and a random suffix."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def must_have(resource: Json, stages: tuple[str, ...]) -> None:
    """Raises SpecError for a name that is not a stage of the pipeline."""
    known = [each["name"] for each in (resource.get("spec") or {}).get("stages") or ()]
    for name in stages:
        if name not in known:
            raise SpecError(
                f"no stage named {name!r}",
                where=resource["metadata"]["name"],
                hint=f"stages of this pipeline: {', '.join(known)}",
            )


def suspension_note(resource: Json) -> str:
    """A note for a request to a suspended pipeline; empty if the pipeline is not suspended."""
    pipeline = validated_pipeline(resource)
    return "; the pipeline is suspended, so this takes effect on resume" if pipeline and pipeline.spec.suspend else ""
