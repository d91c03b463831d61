"""Metrics of stages in Prometheus' text format, with the same names as the operator's metrics.

Steps end before they could be scraped, so the numbers come from their commits.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from reelmill.contract.commands.result_rows import StatusRow
from reelmill.contract.errors import SpecError

Json = dict[str, Any]


def metrics_text(pipelines: Sequence[Json]) -> str:
    """Sums over the stages of the resources. Raises SpecError if the package `prometheus-client` is not installed."""
    if find_spec("prometheus_client") is None:
        raise SpecError(
            "--metrics needs the package prometheus-client, which is not installed",
            hint="install reelmill[cli,operator], in a checkout by pip install './operator[cli,operator]'",
        )
    from reelmill.controller.monitoring.stage_metrics import stage_text  # here, because the package is optional

    return stage_text(pipelines)


def as_resource(namespace: str, rows: Sequence[StatusRow]) -> Json:
    """Return a pipeline's rows from a store as a resource with a status."""
    return {
        "metadata": {"namespace": namespace},
        "status": {"stages": [_stage(row) for row in rows if row.kind == "stage"]},
    }


def _stage(row: StatusRow) -> Json:
    fields = row.to_json()
    volumes = {"given": row.flow.given.model_dump(), "made": row.flow.made.model_dump()} if row.flow else {}
    return {"type": row.type, "totals": fields, "usage": fields["usage"], **volumes}
