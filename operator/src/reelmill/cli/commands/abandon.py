"""`reelmill abandon`: close open passes without finishing them."""

from reelmill.cli.cluster import target
from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.cluster.requests import Answer, Stages, Watch, asking, request, token, when
from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import AS_NAMED, HERE, USUAL, ClusterOptions, RunOptions, StoreOverride
from reelmill.cli.local_run import drive
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

    Results of an abandoned pass are discarded. A pipeline file runs on this machine; for a pipeline in the cluster,
    the request goes to its operator.
    """
    stages = tuple(stage or ())
    if not target.is_name(pipeline):
        loaded = target.local(pipeline, place, elsewhere)
        request_ = annotation(token(), stages=tuple(map(loaded.stage, stages)))
        drive(loaded, {ABANDON: request_}, work, output)
    target.only_local(pipeline, elsewhere, work)

    def ask(link: ClusterClient, resource: Json) -> Answer:
        changed = request(link, resource, ABANDON, stages)
        return changed, [f"{pipeline}: abandoning the open passes of {_stages_text(stages)}{when(changed)}"]

    asking(pipeline, place, output, ask, watch=watch)


def _stages_text(stages: tuple[str, ...]) -> str:
    return ", ".join(stages) or "all stages"
