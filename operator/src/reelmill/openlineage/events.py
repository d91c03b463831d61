"""Conversion of changes to OpenLineage events, with the models of its Python client."""

from datetime import UTC, datetime
from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    datasource_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    tags_run,
)
from openlineage.client.uuid import generate_static_uuid

from reelmill import __version__
from reelmill.openlineage.changes import PassFacts, RunChange
from reelmill.openlineage.datasets import Location
from reelmill.openlineage.described import ITEM_FIELDS
from reelmill.openlineage.seen import SeenChanges

PRODUCER = f"urn:reelmill:{__version__}"
_ENGINE = "reelmill"


class EventMaker:
    """Makes the events of changes that were observed together. `namespace` is that of the jobs."""

    def __init__(self, seen: SeenChanges, namespace: str) -> None:
        self._pipeline, self._keys, self._at, self._namespace = seen.pipeline, seen.keys, seen.at, namespace

    def event(self, change: RunChange) -> RunEvent:
        """The event of one of the changes."""
        facts = change.of
        facets: dict[str, Any] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                version=__version__, name=_ENGINE, producer=PRODUCER
            )
        }
        if change.transition == "FAIL":
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
                message=change.message, programmingLanguage="python", producer=PRODUCER
            )
        if facts is not None:
            facets["parent"] = self._parent(change)
            if facts.outcomes:
                facets["tags"] = tags_run.TagsRunFacet(
                    tags=[tags_run.TagsRunFacetFields(name, str(count), _ENGINE) for name, count in facts.outcomes],
                    producer=PRODUCER,
                )
        return RunEvent(
            eventType=RunState[change.transition],
            eventTime=self._at.astimezone(UTC).isoformat(),
            run=Run(runId=self._run_id(change.began, facts), facets=facets),
            job=self._job(facts),
            inputs=self._inputs(change),
            outputs=self._outputs(change),
            producer=PRODUCER,
        )

    def _run_id(self, began: datetime, facts: PassFacts | None = None) -> str:
        """The run ID, which is equal for the same run or pass on every operator or machine."""
        parts = [self._pipeline.instance, *([facts.stage, facts.key, str(facts.segment)] if facts else ())]
        return str(generate_static_uuid(began, "/".join(parts).encode()))

    def _job(self, facts: PassFacts | None) -> Job:
        kind = "PIPELINE" if facts is None else "STAGE"
        facet = job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="REELMILL", jobType=kind, producer=PRODUCER
        )
        return Job(self._namespace, self._name(facts), facets={"jobType": facet})

    def _name(self, facts: PassFacts | None) -> str:
        return self._pipeline.job if facts is None else f"{self._pipeline.job}.{facts.stage}"

    def _parent(self, change: RunChange) -> parent_run.ParentRunFacet:
        run, name = self._run_id(change.began), self._pipeline.job
        return parent_run.ParentRunFacet(
            run=parent_run.Run(runId=run),
            job=parent_run.Job(self._namespace, name),
            root=parent_run.Root(run=parent_run.RootRun(runId=run), job=parent_run.RootJob(self._namespace, name)),
            producer=PRODUCER,
        )

    def _inputs(self, change: RunChange) -> list[InputDataset]:
        facts = change.of
        if facts is None:
            return [self._input(name, None) for name in self._pipeline.sources]
        stage = self._pipeline.stages.get(facts.stage)
        upstreams = stage.upstreams if stage else ()
        # With several upstreams, the number of items from each is unknown.
        return [self._input(name, facts.inputs if len(upstreams) == 1 else None) for name in upstreams]

    def _input(self, name: str, rows: int | None) -> InputDataset:
        source = self._pipeline.sources.get(name)
        place = source or self._pipeline.data_set(name, self._keys.get(name, ""))
        facets: dict[str, Any] = {}
        if rows:
            facets["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=rows, producer=PRODUCER
            )
        schema = {} if source else self._schema(name)
        return InputDataset(place.namespace, place.name, facets={**_data_source(place), **schema}, inputFacets=facets)

    def _outputs(self, change: RunChange) -> list[OutputDataset]:
        facts = change.of
        if facts is None:
            return [self._output(name, self._keys.get(name, ""), None) for name in self._pipeline.ends()]
        return [self._output(facts.stage, facts.key, facts if change.transition == "COMPLETE" else None)]

    def _output(self, stage: str, key: str, made: PassFacts | None) -> OutputDataset:
        place = self._pipeline.data_set(stage, key)
        facets: dict[str, Any] = {**_data_source(place), **self._schema(stage)}
        statistics: dict[str, Any] = {}
        if made:
            facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
                datasetVersion=f"{key}/{made.segment:04d}", producer=PRODUCER
            )
            statistics["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=made.made, size=made.written, producer=PRODUCER
            )
        return OutputDataset(place.namespace, place.name, facets=facets, outputFacets=statistics)

    def _schema(self, stage: str) -> dict[str, Any]:
        described = self._pipeline.stages.get(stage)
        if described is None:
            return {}
        names = sorted((described.fields or frozenset()) - ITEM_FIELDS.keys())
        fields = [schema_dataset.SchemaDatasetFacetFields(name, type) for name, type in ITEM_FIELDS.items()]
        fields += [schema_dataset.SchemaDatasetFacetFields(name) for name in names]
        return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)}


def _data_source(place: Location) -> dict[str, Any]:
    facet = datasource_dataset.DatasourceDatasetFacet(name=place.namespace, uri=place.uri, producer=PRODUCER)
    return {"dataSource": facet}
