"""A server that receives OpenLineage events, and a strict reading of what it got by the models of the client."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from servers.server_thread import serving

Json = dict[str, Any]
_FACETS = {
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "parent": facet_v2.parent_run.ParentRunFacet,
    "tags": facet_v2.tags_run.TagsRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


@dataclass
class Receiver:
    """What was received, and how it is answered."""

    url: str = ""
    events: list[Json] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    answer: int = 201
    may_answer: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A server on a free port."""
    seen = Receiver()
    seen.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.may_answer.wait()
            if seen.answer < 400:
                seen.events.append(json.loads(body))
                seen.paths.append(self.path)
                seen.keys.append(self.headers["Authorization"])
            self.send_response(seen.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield seen


def must_be_valid(event: Json) -> None:
    """Rebuild an event with the models of OpenLineage's client: they know each facet's fields and schema."""
    body = json.loads(json.dumps(event))
    assert body.pop("schemaURL") == event_v2.RunEvent._get_schema()
    run, job = body.pop("run"), body.pop("job")
    rebuilt = event_v2.RunEvent(
        **{**body, "eventType": event_v2.RunState(body["eventType"])},
        run=event_v2.Run(run["runId"], facets=_facets(run["facets"])),
        job=event_v2.Job(job["namespace"], job["name"], facets=_facets(job["facets"])),
    )
    rebuilt.inputs = [_data_set(event_v2.InputDataset, one, "inputFacets") for one in body["inputs"]]
    rebuilt.outputs = [_data_set(event_v2.OutputDataset, one, "outputFacets") for one in body["outputs"]]
    assert json.loads(Serde.to_json(rebuilt)) == event


def _data_set(kind: Any, body: Json, own: str) -> Any:
    facets = {"facets": _facets(body["facets"]), own: _facets(body[own])}
    return kind(body["namespace"], body["name"], **facets)


def _facets(bodies: Json) -> Json:
    made = {}
    for name, body in bodies.items():
        fields = {key: value for key, value in body.items() if not key.startswith("_")}
        made[name] = _FACETS[name](**fields, producer=body["_producer"])
        assert made[name]._get_schema() == body["_schemaURL"]
    return made
