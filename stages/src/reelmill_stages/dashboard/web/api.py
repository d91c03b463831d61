"""The API: what the pages show, as JSON. Its description is at `/api/openapi.json`."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from reelmill_stages.dashboard.index.conditions import ItemCondition, ItemOrder
from reelmill_stages.dashboard.views import gallery as items
from reelmill_stages.dashboard.views import history, logs, shard_strip
from reelmill_stages.dashboard.views.models import (
    Count,
    FieldHistogram,
    Gallery,
    ItemView,
    LogView,
    Losses,
    PipelineList,
    PipelineSummary,
    ShardStrip,
)
from reelmill_stages.dashboard.views.pipeline_catalog import ListQuery, PipelineCatalog

NOTHING = "-"
"""Stands for an empty namespace in URLs: that of data sets without a claim."""
Where = Annotated[
    list[str],
    Query(
        default_factory=list,
        description="Conditions such as `measures.luma>=20` or `text~a dog`; all must hold.",
        max_length=20,
    ),
]


class PipelineDocument(BaseModel):
    """A pipeline's YAML."""

    yaml: str


class Logs(BaseModel):
    """The last lines of a log."""

    lines: list[LogView]
    problem: str
    """Why pods could not be read."""


def router(catalog: PipelineCatalog) -> APIRouter:
    """Return the routes."""
    api = APIRouter(prefix="/api/v1")
    one = "/pipelines/{namespace}/{name}"
    stage_path = one + "/stages/{stage}"

    @api.get("/pipelines", tags=["pipelines"])
    def pipelines(
        q: str = "", state: str = "", sort: str = "state", desc: bool = False, first: Annotated[int, Query(ge=0)] = 0
    ) -> PipelineList:
        """Pipelines that match, a hundred at a time."""
        return catalog.all(ListQuery(q, state, sort, desc, first))

    @api.get(one, tags=["pipelines"])
    def pipeline(namespace: str, name: str) -> PipelineSummary:
        """A pipeline: its stages, its funnel, and what it is working on."""
        return catalog.pipeline(namespace_in_url(namespace), name)

    @api.get(one + "/document", tags=["pipelines"])
    def document(namespace: str, name: str) -> PipelineDocument:
        """The YAML of a pipeline, without values of variables."""
        return PipelineDocument(yaml=catalog.document(namespace_in_url(namespace), name))

    @api.get(stage_path + "/shards", tags=["stages"])
    def shards(namespace: str, name: str, stage: str) -> ShardStrip:
        """The shards of the open pass of a stage, or of its last one."""
        at = catalog.data_set(namespace_in_url(namespace), name, stage)
        return shard_strip.strip(at, catalog.pipeline(namespace_in_url(namespace), name).work, catalog.commits)

    @api.get(stage_path + "/losses", tags=["stages"])
    def losses(
        namespace: str,
        name: str,
        stage: str,
        reason: str = "",
        outcome: str = "",
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = history.LOSSES,
    ) -> Losses:
        """Inputs that the stage did not keep, and why."""
        at = catalog.data_set(namespace_in_url(namespace), name, stage)
        return history.losses(catalog, at, reason=reason, outcome=outcome, after=after, limit=limit)

    @api.get(stage_path + "/logs", tags=["stages"])
    def log(namespace: str, name: str, stage: str, shard: Annotated[int | None, Query(ge=0)] = None) -> Logs:
        """The last lines of the pods of a stage, or those that its shards wrote to the store."""
        lines, problem = logs.logs(catalog, catalog.data_set(namespace_in_url(namespace), name, stage), shard)
        return Logs(lines=lines, problem=problem)

    @api.get(stage_path + "/items", tags=["items"])
    def gallery(
        namespace: str,
        name: str,
        stage: str,
        where: Where,
        sort: str = "ordinal",
        desc: bool = False,
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=items.MOST)] = items.PAGE,
    ) -> Gallery:
        """A page of items. `after` is `next` of the previous page."""
        at = catalog.data_set(namespace_in_url(namespace), name, stage)
        return items.gallery(
            catalog, at, [ItemCondition.parse(each) for each in where], ItemOrder(sort, desc), after, limit
        )

    @api.get(stage_path + "/count", tags=["items"])
    def count(
        namespace: str,
        name: str,
        stage: str,
        where: Where,
        most: Annotated[int, Query(ge=1, le=10**9)] = 10**6,
    ) -> Count:
        """The number of items under conditions, counted up to `most`."""
        at = catalog.data_set(namespace_in_url(namespace), name, stage)
        return items.count(catalog, at, [ItemCondition.parse(each) for each in where], most)

    @api.get(stage_path + "/histogram", tags=["items"])
    def histogram(namespace: str, name: str, stage: str, field: str) -> FieldHistogram:
        """The distribution of the numbers of a field."""
        return items.histogram(catalog, catalog.data_set(namespace_in_url(namespace), name, stage), field)

    @api.get(stage_path + "/items/{ordinal}", tags=["items"])
    def item(namespace: str, name: str, stage: str, ordinal: int) -> ItemView:
        """One item: fields, files, and what each stage did with it."""
        return items.item_view(catalog, catalog.data_set(namespace_in_url(namespace), name, stage), ordinal)

    return api


def namespace_in_url(namespace: str) -> str:
    """Return the namespace for a URL."""
    return "" if namespace == NOTHING else namespace
