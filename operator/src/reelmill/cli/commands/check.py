"""`reelmill check`: verify written files against the rules of their consumers."""

from pathlib import Path
from typing import Annotated

import typer

from reelmill.cli import store_commands
from reelmill.cli.cluster.target import stored
from reelmill.cli.commands.integrity.deep_check import check_deeply
from reelmill.cli.commands.integrity.forgotten_check import check_forgotten
from reelmill.cli.display.output import Format, Output, show
from reelmill.cli.display.terminal import say
from reelmill.cli.exit_codes import CommandExit
from reelmill.cli.input.options import AS_NAMED, HERE, ClusterOptions, StoreOverride
from reelmill.contract.commands.result_rows import COUNTED, FindingRow
from reelmill.contract.commands.signatures import CHECK, CHECK_STAGE
from reelmill.contract.errors import SpecError
from reelmill.contract.text.quantities import count_of
from reelmill.contract.text.urls import has_user_info

COLUMNS = ("format", "file", "rule", "ok", "message")


def check(
    target: Annotated[str, typer.Argument(help="A folder; with --stage, a pipeline file or name.")],
    stage: Annotated[
        str, typer.Option("--stage", "-s", help="Check the data set of this stage in the pipeline's store.")
    ] = "",
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="Check as this format; repeatable. Default: every format that matches."),
    ] = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Compare every object that the pipeline's stages committed with its digest."),
    ] = False,
    max_rate: Annotated[
        float | None, typer.Option("--max-rate", min=0.001, help="With --deep: maximum read rate in MB per second.")
    ] = None,
    read_all: Annotated[
        bool,
        typer.Option("--read-all", help="With --deep: read every byte, even where an S3 server has a checksum."),
    ] = False,
    progress: Annotated[
        Path | None,
        typer.Option(
            "--progress", metavar="FILE", help="With --deep: a file to continue from if the check is interrupted."
        ),
    ] = None,
    forgotten: Annotated[
        bool,
        typer.Option("--forgotten", help="Search the whole store for traces of forgotten items."),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Also show rules that hold.")] = False,
    elsewhere: StoreOverride = AS_NAMED,
    place: ClusterOptions = HERE,
    output: Output = Format.TABLE,
) -> None:
    """Verify written files against the rules of their consumers.

    With --stage, the rows of the stage are checked, too: each input has exactly one, items have only fields that the
    pipeline declares and files that were committed, and verdicts match the recorded decisions. Counters of the stage,
    such as fallbacks and omitted parts, are shown.

    With --deep, every record, rows file and output of all sources and stages, or of --stage, is compared with the
    digest in its commit; there is one row for each damaged object. Files in a folder are read. For an output in a
    bucket, the checksum that the server computed on upload is compared, if there is one; --read-all reads the output as
    well.

    With --forgotten, all objects of the store are searched for the names of items that `reelmill forget` removed, and
    of everything made from them: rows, captions, reports, tables, tars, and file names. The names themselves are not
    needed, because their digests were kept.

    Exits with code 65 if a rule is broken, an object is damaged, or traces of a forgotten item remain.
    """
    formats = tuple(format_ or ())
    if not deep and (max_rate is not None or progress is not None or read_all):
        raise SpecError("--max-rate, --read-all and --progress require --deep", hint="add --deep, or omit them")
    if forgotten:
        if deep or stage or formats or max_rate is not None or progress is not None or read_all:
            raise SpecError("--forgotten checks the whole store", hint="remove --stage, --format and --deep")
        check_forgotten(stored(target, place, elsewhere), output=output)
        return
    if deep:
        if formats:
            raise SpecError("--format selects rules of consumers, which --deep does not check", hint="omit one")
        check_deeply(
            stored(target, place, elsewhere), stage, max_rate, read_all=read_all, progress=progress, output=output
        )
        return
    if stage:
        loaded = stored(target, place, elsewhere)
        check_stage = store_commands.load(CHECK_STAGE)
        found = check_stage(
            store_commands.task(loaded), store_commands.environment(), stage=loaded.stage(stage), formats=formats
        )
    else:
        if has_user_info(target):
            raise SpecError("an address with credentials is not a folder", hint="give a folder of written files")
        found = store_commands.load(CHECK)(Path(target), formats)
    report(list(found), every=every, output=output)


def report(found: list[FindingRow], *, every: bool, output: Format) -> None:
    """Show findings; exits with code 65 if a rule is broken."""
    counters = [finding.message for finding in found if finding.rule == COUNTED]
    rules = [finding for finding in found if finding.rule != COUNTED]
    bad = [finding for finding in found if not finding.ok]
    shown = found if every or not output.for_people else bad
    if shown or not output.for_people:
        show([finding.to_json() for finding in shown], output, columns=COLUMNS)
    files = len({(finding.format, finding.file) for finding in rules})
    formats = ", ".join(dict.fromkeys(finding.format for finding in rules)) or "nothing"
    say(f"{formats}: {count_of(files, 'file')}, {count_of(len(rules), 'rule')} checked, {len(bad)} broken")
    if counters:
        say(f"counted: {', '.join(counters)}")
    if bad:
        raise typer.Exit(CommandExit.ITEMS)
