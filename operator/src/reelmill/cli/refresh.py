"""`reelmill refresh`: look for new source items now."""

from reelmill.cli.ask import Answer, Watch, asking, request, when
from reelmill.cli.cluster.edge import Edge
from reelmill.cli.cluster.seen import Json
from reelmill.cli.options import HERE, Place
from reelmill.cli.output import Format, Output
from reelmill.cli.target import Name
from reelmill.plan.requests import REFRESH


def refresh(name: Name, place: Place = HERE, watch: Watch = False, output: Output = Format.TABLE) -> None:
    """List a pipeline's sources again now.

    What is new is worked on, the rest is left as it is.
    """

    def ask(link: Edge, resource: Json) -> Answer:
        changed = request(link, resource, REFRESH)
        sources = ", ".join(each["name"] for each in (resource.get("spec") or {}).get("sources") or ())
        return changed, [f"{name}: {sources or 'its sources'} are listed again{when(changed)}"]

    asking(name, place, output, ask, watch=watch)
