"""`reelmill submit`: create or update a pipeline in the cluster, and report what runs again."""

from typing import Annotated

import typer

from reelmill.cli.cluster.changes import changes
from reelmill.cli.cluster.client import ClusterClient, connected_client
from reelmill.cli.cluster.follow import follow
from reelmill.cli.cluster.pipeline_view import Json, plain
from reelmill.cli.cluster.requests import Watch, command_builder
from reelmill.cli.cluster.target import of_resource
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say
from reelmill.cli.input import pipeline as pipelines
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, File, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.contract.errors import ReelmillError, SpecError


def submit(
    file: File,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Validate on the server and show what would run again, without changing anything."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force-conflicts", help="Take ownership of fields that another tool set.")
    ] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Create or update a pipeline in the cluster.

    Shows which stages run again because of the change. The file is validated on this machine first, then by the server.
    Fields that other tools set are not changed.
    """
    loaded = pipelines.load(file, elsewhere)
    _check_store_is_remote(loaded)
    with connected_client(place) as link:
        document = _resource_to_send(loaded, link, place)
        name = document["metadata"]["name"]
        old = link.find(name)
        # A dry run first: compare the resource as the server completes it, not the file.
        new = link.apply(document, dry_run=True, force=force)
        lines = [_outcome_line(old, new, dry_run=dry_run), *_change_lines(old, new)]
        if not dry_run:
            new = link.apply(document, dry_run=False, force=force)
        if not output.for_people:
            emit(plain(new), output)
        for line in lines if output.for_people else ():
            say(line)
        if dry_run:
            return
        if watch:
            follow(link, name, output)
        elif output.for_people:
            say(f"watch it with: {command_builder(name, place)('status', '-w')}")


def _resource_to_send(loaded: Loaded, link: ClusterClient, place: ClusterOptions) -> Json:
    """The resource to send: the file with the store and the namespace that the options select."""
    given = loaded.data
    metadata = given["metadata"]
    named = metadata.get("namespace")
    if named and place.namespace and named != place.namespace:
        raise SpecError(
            f"metadata.namespace is {named}, but --namespace is {place.namespace}",
            where=loaded.document.file,
            hint="remove one of them",
        )
    link.namespace = named or link.namespace
    body = {name: given[name] for name in ("apiVersion", "kind", "spec")}
    return {**body, "metadata": {**metadata, "namespace": link.namespace}}


def _check_store_is_remote(loaded: Loaded) -> None:
    """Raises SpecError if the store is a local folder, which pods cannot read."""
    uri = loaded.pipeline.spec.store.uri
    if not uri.startswith(("s3://", "az://", "gs://")):
        raise SpecError(
            f"the store {uri} is a folder on this machine, which pods cannot access",
            where=loaded.document.file,
            hint="use a bucket: set spec.store.uri, or give --store s3://bucket/prefix",
        )


def _outcome_line(old: Json | None, new: Json, *, dry_run: bool) -> str:
    name = f"{new['metadata']['namespace']}/{new['metadata']['name']}"
    if old is None:
        return f"{name}: would be created" if dry_run else f"{name}: created"
    if old.get("spec") == new.get("spec"):
        return f"{name}: unchanged"
    return f"{name}: would be changed" if dry_run else f"{name}: changed"


def _change_lines(old: Json | None, new: Json) -> list[str]:
    if old is None or old.get("spec") == new.get("spec"):
        return []
    try:
        lines = list(changes(of_resource(old), of_resource(new)))
    except ReelmillError:
        return ["  cannot determine what runs again: the resource was written by another release"]
    if not lines:
        return ["  nothing runs again: all completed work remains valid"]
    return [f"  {line}" for line in lines]
