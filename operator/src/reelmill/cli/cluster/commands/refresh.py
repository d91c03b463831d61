"""`reelmill refresh`: list the sources again now."""

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.cluster.requests import Answer, Watch, request, send_request, suspension_note
from reelmill.cli.cluster.target import Name
from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import HERE, ClusterOptions
from reelmill.plan.requests import REFRESH


def refresh(name: Name, place: ClusterOptions = HERE, watch: Watch = False, output: Output = Format.TABLE) -> None:
    """List a pipeline's sources again now.

    New items are processed; items that were listed before are not processed again.
    """

    def ask(link: ClusterClient, resource: Json) -> Answer:
        changed = request(link, resource, REFRESH)
        sources = ", ".join(each["name"] for each in (resource.get("spec") or {}).get("sources") or ())
        return changed, [f"{name}: listing {sources or 'its sources'} again{suspension_note(changed)}"]

    send_request(name, place, output, ask, watch=watch)
