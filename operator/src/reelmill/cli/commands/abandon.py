"""`reelmill abandon`: close open passes without finishing them."""

from reelmill.cli import store_commands
from reelmill.cli.cluster import target
from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.cluster.requests import Answer, Stages, Watch, request, send_request, suspension_note, token
from reelmill.cli.display.output import Format, Output, emit
from reelmill.cli.display.terminal import say
from reelmill.cli.input.options import AS_NAMED, HERE, USUAL, ClusterOptions, RunOptions, StoreOverride
from reelmill.cli.input.pipeline import Loaded
from reelmill.cli.local_run import drive
from reelmill.contract.status import Status
from reelmill.plan.requests import ABANDON, annotation


def abandon(
    pipeline: target.Target,
    stage: Stages = None,
    elsewhere: StoreOverride = AS_NAMED,
    work: RunOptions = USUAL,
    place: ClusterOptions = HERE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Abandon open passes; a new pass processes their items again.

    Results of an abandoned pass are discarded. A pipeline file runs on this machine, if it has an open pass; for a
    pipeline in the cluster, the request goes to its operator.
    """
    stages = tuple(stage or ())
    if not target.is_name(pipeline):
        _run_on_this_machine(target.local(pipeline, place, elsewhere), stages, work, output)
        return
    target.refuse_local_options(pipeline, elsewhere, work)

    def ask(link: ClusterClient, resource: Json) -> Answer:
        changed = request(link, resource, ABANDON, stages)
        return changed, [f"{pipeline}: abandoning the open passes of {_stages_text(stages)}{suspension_note(changed)}"]

    send_request(pipeline, place, output, ask, watch=watch)


def _run_on_this_machine(loaded: Loaded, stages: tuple[str, ...], work: RunOptions, output: Format) -> None:
    """Run on this machine if a pass of the stages is open."""
    chosen = tuple(map(loaded.stage, stages)) or loaded.graph.stages
    rows = store_commands.stored(loaded)
    opened = tuple(name for name in chosen if rows[name].pass_)
    if opened:
        drive(loaded, {ABANDON: annotation(token(), stages=opened)}, work, output)
    say(f"nothing to abandon: no pass of {', '.join(chosen)} is open")
    if not output.for_people:
        emit(Status().model_dump(mode="json", by_alias=True), output)


def _stages_text(stages: tuple[str, ...]) -> str:
    return ", ".join(stages) or "all stages"
