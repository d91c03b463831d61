"""Numbers of stages in Prometheus' text format, by the names that they have among the operator's metrics.

Steps end before anybody could scrape them. What they did and used is in their commits, which this is made from.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.errors import SpecError

Json = dict[str, Any]


def metrics_text(pipelines: Sequence[Json]) -> str:
    """Sums over the stages of these resources. Raises SpecError without the package `prometheus-client`."""
    if find_spec("prometheus_client") is None:
        raise SpecError(
            "--metrics needs the package prometheus-client, which is not installed",
            hint="install reelmill[cli,operator], in a checkout by pip install './operator[cli,operator]'",
        )
    from reelmill.controller.monitoring.stage_metrics import stage_text  # only now: the package may not be there

    return stage_text(pipelines)


def as_resource(namespace: str, rows: Sequence[StatusRow]) -> Json:
    """What a store has of a pipeline, in the form of a resource with a status."""
    return {
        "metadata": {"namespace": namespace},
        "status": {"stages": [_stage(row) for row in rows if row.kind == "stage"]},
    }


def _stage(row: StatusRow) -> Json:
    told = row.to_json()
    volumes = {"given": row.flow.given.model_dump(), "made": row.flow.made.model_dump()} if row.flow else {}
    return {"type": row.type, "totals": told, "usage": told["usage"], **volumes}
