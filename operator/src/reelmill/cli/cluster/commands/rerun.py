"""`reelmill rerun`: run whole stages again although their definition is unchanged."""

from typing import Annotated

import typer

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.cluster.requests import Answer, Watch, must_have, send_request, suspension_note, token
from reelmill.cli.cluster.target import Name, of_resource
from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import HERE, ClusterOptions


def rerun(
    name: Name,
    stage: Annotated[
        list[str], typer.Option("--stage", "-s", help="The stage to run again; repeatable.", show_default=False)
    ],
    place: ClusterOptions = HERE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Run whole stages again, and all stages that read them.

    The old data is kept beside the new. This sets `rerun` in the spec of each stage; if you keep the spec in a file,
    add it there, too.
    """

    def ask(link: ClusterClient, resource: Json) -> Answer:
        must_have(resource, tuple(stage))
        before, word = of_resource(resource), token()
        numbers = [number for number, each in enumerate(resource["spec"]["stages"]) if each["name"] in stage]
        operations: list[Json] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": resource["metadata"]["resourceVersion"]}
        ]
        operations += [{"op": "add", "path": f"/spec/stages/{number}/rerun", "value": word} for number in numbers]
        changed = link.edit(name, operations)
        after = of_resource(changed)
        again = [each for each in after.names() if after.keys[each] != before.keys[each]]
        return changed, [
            f"{name}: running {', '.join(again)} again from the first item{suspension_note(changed)}",
            f"the spec now has rerun: {word}; the old data remains in the store",
        ]

    send_request(name, place, output, ask, watch=watch)
