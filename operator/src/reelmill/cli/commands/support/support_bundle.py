"""`reelmill support-bundle`: one archive with what a bug report needs, without secrets."""

import os
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli.cluster import target
from reelmill.cli.cluster.target import Target, of_resource
from reelmill.cli.commands.support.bundle import MANIFEST, SupportBundle
from reelmill.cli.commands.support.cluster_facts import add_pipeline
from reelmill.cli.commands.support.machine import machine
from reelmill.cli.commands.support.operator_facts import add_operator
from reelmill.cli.commands.support.store_facts import add_definition, add_store
from reelmill.cli.crash_reports import crash_reports
from reelmill.cli.display.output import size
from reelmill.cli.display.terminal import say
from reelmill.cli.input import document as documents
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.redaction import Redactor, secret_variables, secrets_of

MOST_CRASHES = 5
"""Newest tracebacks of this user's internal errors."""
_ODD = re.compile(r"[^A-Za-z0-9.-]+")


def support_bundle(
    pipeline: Target,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The archive. Default: reelmill-support-NAME-TIME.tar.gz here."
        ),
    ] = None,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
) -> None:
    """Collect what a bug report needs in one archive, without secrets.

    For the name of a pipeline in a cluster: the resource and its status, events, Jobs, conditions of pods, the ends of
    logs, the operator's version, settings and log, and the records in the store. For a pipeline file: the definition,
    the records in the store and the ends of logs. What cannot be read is listed in manifest.json.

    Secrets are not read. Values of variables, of annotations of other tools and of parameters of your own code are
    omitted, and so is everything that looks like a credential. Names and keys of items remain: review the archive
    before you publish it.
    """
    redactor = Redactor(secret_variables(os.environ))
    stem = f"reelmill-support-{_ODD.sub('-', Path(pipeline).stem)}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    bundle = SupportBundle(stem, redactor)
    bundle.collect("machine.json", lambda: machine(os.environ))
    for report in crash_reports()[:MOST_CRASHES]:
        with bundle.noting_errors(f"crashes/{report.name}"):
            bundle.text(f"crashes/{report.name}", report.read_text(errors="replace"))
    if target.is_name(pipeline):
        _add_from_cluster(bundle, pipeline, elsewhere, place)
    else:
        _add_from_file(bundle, pipeline, elsewhere, place)
    path = output or Path(f"{stem}.tar.gz")
    files = bundle.write(path)
    say(f"{path}: {count_of(files, 'file')}, {size(path.stat().st_size)}; review it before you publish it")
    for what, why in bundle.unread.items():
        say(f"not read: {what}: {why}")
    if bundle.unread:
        say(f"apart from that, the bundle is complete; {MANIFEST} in it lists the same")


def _add_from_cluster(bundle: SupportBundle, name: str, elsewhere: StoreOverride, place: ClusterOptions) -> None:
    with target.named(name, place) as (link, resource):
        bundle.redactor.add_secrets(secrets_of(resource))
        add_pipeline(bundle, link, resource, place)
        add_operator(bundle, link, place)
    if loaded := add_definition(bundle, lambda: of_resource(resource, elsewhere)):
        add_store(bundle, loaded)


def _add_from_file(bundle: SupportBundle, file: str, elsewhere: StoreOverride, place: ClusterOptions) -> None:
    try:
        document = documents.read(file)
    except SpecError as error:
        if not Path(file).is_file():  # the name is wrong, not the content
            raise
        bundle.missing("pipeline.json", str(error))
        return
    bundle.redactor.add_secrets(secrets_of(document.data))
    bundle.document("pipeline.json", document.data)
    if loaded := add_definition(bundle, lambda: target.local(file, place, elsewhere)):
        add_store(bundle, loaded)
