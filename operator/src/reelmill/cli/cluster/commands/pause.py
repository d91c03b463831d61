"""`reelmill suspend`, `resume` and `cancel`: stop a pipeline's pods and let them go on. Data are never deleted."""

from datetime import UTC, datetime

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.observed import Json, PipelineView
from reelmill.cli.cluster.requests import Answer, Watch, asking, speaker, token
from reelmill.cli.cluster.target import Name
from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import HERE, ClusterOptions
from reelmill.contract.status import Status
from reelmill.plan.requests import ABANDON, annotation


def suspend(name: Name, place: ClusterOptions = HERE, output: Output = Format.TABLE) -> None:
    """Stop a pipeline's pods; resume goes on from there."""

    def ask(link: ClusterClient, resource: Json) -> Answer:
        say = speaker(name, place)
        if _suspended(resource):
            return resource, [f"{name}: is suspended already", f"go on with: {say('resume')}"]
        changed = link.merge(name, {"spec": {"suspend": True}})
        return changed, [f"{name}: suspended, its pods are stopped", f"go on with: {say('resume')}"]

    asking(name, place, output, ask)


def resume(name: Name, place: ClusterOptions = HERE, watch: Watch = False, output: Output = Format.TABLE) -> None:
    """Let a suspended pipeline go on from what is committed."""

    def ask(link: ClusterClient, resource: Json) -> Answer:
        if not _suspended(resource):
            return resource, [f"{name}: is not suspended"]
        return link.merge(name, {"spec": {"suspend": False}}), [f"{name}: goes on"]

    asking(name, place, output, ask, watch=watch)


def cancel(name: Name, place: ClusterOptions = HERE, output: Output = Format.TABLE) -> None:
    """Suspend a pipeline and give up its open passes.

    Deletes no data: closed segments and their files stay. Resume covers the given-up items anew.
    """

    def ask(link: ClusterClient, resource: Json) -> Answer:
        status = _status(resource)
        open_ = [stage.name for stage in status.stages if stage.pass_ or stage.found]
        request = {ABANDON: annotation(token())} if open_ else {}
        patch: Json = {"spec": {"suspend": True}, "metadata": {"annotations": request}}
        changed = link.merge(name, patch)
        given_up = f"the open passes of {', '.join(open_)} are given up: they are covered anew when it is resumed"
        return changed, [
            f"{name}: suspended, its pods are stopped",
            given_up if open_ else "no pass was open",
            f"nothing is deleted: everything committed stays in {status.store or 'the store'}",
            f"go on with: {speaker(name, place)('resume')}",
        ]

    asking(name, place, output, ask)


def _suspended(resource: Json) -> bool:
    return bool((resource.get("spec") or {}).get("suspend"))


def _status(resource: Json) -> Status:
    return PipelineView(resource, datetime.now(UTC)).status
