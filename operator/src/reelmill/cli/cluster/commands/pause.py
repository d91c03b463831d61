"""`reelmill suspend`, `resume` and `cancel`: stop and restart a pipeline's pods. Data is never deleted."""

from datetime import UTC, datetime

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json, PipelineView
from reelmill.cli.cluster.requests import Answer, Watch, command_builder, send_request, token
from reelmill.cli.cluster.target import Name
from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import HERE, ClusterOptions
from reelmill.contract.status import Status
from reelmill.plan.requests import ABANDON, annotation


def suspend(name: Name, place: ClusterOptions = HERE, output: Output = Format.TABLE) -> None:
    """Suspend a pipeline: stop its pods until it is resumed."""

    def ask(link: ClusterClient, resource: Json) -> Answer:
        say = command_builder(name, place)
        if _is_suspended(resource):
            return resource, [f"{name}: already suspended", f"resume with: {say('resume')}"]
        changed = link.merge(name, {"spec": {"suspend": True}})
        return changed, [f"{name}: suspended, its pods are being stopped", f"resume with: {say('resume')}"]

    send_request(name, place, output, ask)


def resume(name: Name, place: ClusterOptions = HERE, watch: Watch = False, output: Output = Format.TABLE) -> None:
    """Resume a suspended pipeline from the committed work."""

    def ask(link: ClusterClient, resource: Json) -> Answer:
        if not _is_suspended(resource):
            return resource, [f"{name}: not suspended"]
        return link.merge(name, {"spec": {"suspend": False}}), [f"{name}: resumed"]

    send_request(name, place, output, ask, watch=watch)


def cancel(name: Name, place: ClusterOptions = HERE, output: Output = Format.TABLE) -> None:
    """Suspend a pipeline and abandon its open passes.

    No data is deleted: closed segments and their files remain. Items of abandoned passes are processed again on resume.
    """

    def ask(link: ClusterClient, resource: Json) -> Answer:
        status = _status(resource)
        open_ = [stage.name for stage in status.stages if stage.pass_ or stage.found]
        request = {ABANDON: annotation(token())} if open_ else {}
        patch: Json = {"spec": {"suspend": True}, "metadata": {"annotations": request}}
        changed = link.merge(name, patch)
        given_up = f"the open passes of {', '.join(open_)} are abandoned; their items are processed again on resume"
        return changed, [
            f"{name}: suspended, its pods are being stopped",
            given_up if open_ else "no pass was open",
            f"no data was deleted; all committed work remains in {status.store or 'the store'}",
            f"resume with: {command_builder(name, place)('resume')}",
        ]

    send_request(name, place, output, ask)


def _is_suspended(resource: Json) -> bool:
    return bool((resource.get("spec") or {}).get("suspend"))


def _status(resource: Json) -> Status:
    return PipelineView(resource, datetime.now(UTC)).status
