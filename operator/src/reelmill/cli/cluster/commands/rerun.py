"""`reelmill rerun`: do whole stages again, although nothing about them changed."""

from typing import Annotated

import typer

from reelmill.cli.cluster.client import ClusterClient
from reelmill.cli.cluster.observed import Json
from reelmill.cli.cluster.requests import Answer, Watch, asking, must_have, token, when
from reelmill.cli.cluster.target import Name, of_resource
from reelmill.cli.display.output import Format, Output
from reelmill.cli.input.options import HERE, ClusterOptions


def rerun(
    name: Name,
    stage: Annotated[
        list[str], typer.Option("--stage", "-s", help="The stage; may be given again.", show_default=False)
    ],
    place: ClusterOptions = HERE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Do whole stages again, and what reads them.

    The old data stay beside the new. Writes a new `rerun` into each stage's spec: put it into your file too, if a file
    is where the spec lives.
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
            f"{name}: {', '.join(again)} run again from the first item{when(changed)}",
            f"the spec has rerun: {word} now; the old data stay in the store",
        ]

    asking(name, place, output, ask, watch=watch)
