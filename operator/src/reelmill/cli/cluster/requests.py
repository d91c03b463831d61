"""What a person asks of a pipeline in a cluster, by annotation or by an edit, and how it is said that it was asked."""

import secrets
import time
from collections.abc import Callable
from typing import Annotated

import typer

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.follow import follow
from reelmill.cli.cluster.observed import Json, plain, understood
from reelmill.cli.cluster.target import named
from reelmill.cli.display.output import Format, emit, program, say
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import SpecError
from reelmill.plan.requests import annotation

Stages = Annotated[list[str] | None, typer.Option("--stage", "-s", help="Only this stage; left out: all.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")]

Answer = tuple[Json, list[str]]
"""The resource as it is then, and what is said about it."""


def speaker(name: str, place: ClusterOptions) -> Callable[..., str]:
    """Command lines about a pipeline, as this person would write them."""
    flags = [f"-n {place.namespace}"] if place.namespace else []
    flags += [f"--context {place.context}"] if place.context else []

    def line(verb: str, rest: str = "") -> str:
        return " ".join((program(), verb, name, *([rest] if rest else []), *flags))

    return line


def asking(
    name: str,
    place: ClusterOptions,
    output: Format,
    ask: Callable[[ClusterClient, Json], Answer],
    *,
    watch: bool = False,
) -> None:
    """Look at the pipeline, ask, say what was asked; then follow it where that is wanted."""
    with named(name, place) as (link, found):
        resource, said = ask(link, found)
        if output.for_people:
            for line in said:
                say(line)
        else:
            emit(plain(resource), output)
        if watch:
            follow(link, name, output)


def request(
    link: ClusterClient, resource: Json, kind: str, stages: tuple[str, ...] = (), classes: tuple[str, ...] = ()
) -> Json:
    """Put a request on a pipeline. Raises SpecError for a stage that it has not."""
    must_have(resource, stages)
    text = annotation(token(), stages=stages, classes=classes)
    return link.merge(resource["metadata"]["name"], {"metadata": {"annotations": {kind: text}}})


def token() -> str:
    """A word that was never used before, and that tells when it was."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def must_have(resource: Json, stages: tuple[str, ...]) -> None:
    """Raises SpecError for a name that is no stage of the pipeline."""
    known = [each["name"] for each in (resource.get("spec") or {}).get("stages") or ()]
    for name in stages:
        if name not in known:
            raise SpecError(
                f"there is no stage {name!r}",
                where=resource["metadata"]["name"],
                hint=f"its stages are {', '.join(known)}",
            )


def when(resource: Json) -> str:
    """What a person should know who asked something of a pipeline that is suspended."""
    pipeline = understood(resource)
    return "; it is suspended, and takes that up when it is resumed" if pipeline and pipeline.spec.suspend else ""
