"""The pages. htmx polls those that change: a request with the name of a fragment gets that fragment."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from jinja2 import Environment

from reelmill.contract.errors import ReelmillError
from reelmill_stages.dashboard.errors import NoSuch
from reelmill_stages.dashboard.index.conditions import OPERATORS, ItemCondition, ItemOrder
from reelmill_stages.dashboard.views import gallery as items
from reelmill_stages.dashboard.views import graph, history, logs, shard_strip
from reelmill_stages.dashboard.views.files import files_of
from reelmill_stages.dashboard.views.models import PipelineSummary
from reelmill_stages.dashboard.views.pipeline_catalog import DataSetPlace, ListQuery, PipelineCatalog
from reelmill_stages.dashboard.web.api import Where, namespace_in_url
from reelmill_stages.dashboard.web.media import file_response
from reelmill_stages.dashboard.web.posters import Posters
from reelmill_stages.dashboard.web.request_guard import FILE_POLICY, HEAD

COUNTED = 100_000
"""Maximum number of items under conditions that are counted for a page."""
EXAMPLES = 4
LIST_SECONDS, LIVE_SECONDS, CALM_SECONDS = 5, 3, 15
"""Seconds between two polls of the list, of a pipeline that is working, and of one that is not."""


def router(catalog: PipelineCatalog, posters: Posters, env: Environment) -> APIRouter:
    """Return the routes."""
    pages = APIRouter(include_in_schema=False)
    one = "/pipelines/{namespace}/{name}"
    stage_path = one + "/stages/{stage}"

    def page(template: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(env.get_template(template).render(origin=catalog.pipelines.origin, **values))

    def place(namespace: str, name: str, stage: str) -> DataSetPlace:
        return catalog.data_set(namespace_in_url(namespace), name, stage)

    @pages.get("/")
    def pipelines(
        request: Request,
        q: str = "",
        state: str = "",
        sort: str = "state",
        desc: bool = False,
        first: Annotated[int, Query(ge=0)] = 0,
        fill: bool = False,
    ) -> Response:
        query = ListQuery(q, state, sort, desc, first)
        template = "_pipelines.html" if wants(request, "pipelines") else "pipelines.html"
        return page(template, found=catalog.all(query), query=query, poll=LIST_SECONDS, fill=fill)

    @pages.get(one)
    def pipeline(request: Request, namespace: str, name: str) -> Response:
        view = catalog.pipeline(namespace_in_url(namespace), name)
        if wants(request, "live"):
            return page("_live.html", **_pipeline_values(view))
        return page("pipeline.html", report=catalog.has_report(view.namespace, name), **_pipeline_values(view))

    @pages.get(one + "/report")
    def report(namespace: str, name: str) -> Response:
        return HTMLResponse(
            catalog.report(namespace_in_url(namespace), name), headers={"content-security-policy": FILE_POLICY}
        )

    @pages.get(one + "/yaml")
    def document(namespace: str, name: str) -> Response:
        text = catalog.document(namespace_in_url(namespace), name)
        return page("document.html", namespace=namespace_in_url(namespace), name=name, document=text)

    @pages.get(one + "/pipeline.yaml")
    def yaml(namespace: str, name: str) -> Response:
        headers = {
            "content-security-policy": FILE_POLICY,
            "content-disposition": 'attachment; filename="pipeline.yaml"',
        }
        text = catalog.document(namespace_in_url(namespace), name)
        return PlainTextResponse(text.encode(errors="replace"), headers=headers)

    @pages.get(stage_path)
    def stage(request: Request, namespace: str, name: str, stage: str) -> Response:
        at = place(namespace, name, stage)
        view = catalog.pipeline(namespace_in_url(namespace), name)
        cells, problem = None, view.problem
        try:
            cells = shard_strip.strip(at, view.work, catalog.commits)
        except ReelmillError as error:
            problem = problem or str(error)
        template = "_stage_live.html" if wants(request, "stage-live") else "stage.html"
        row = next((each for each in view.stages if each.name == stage), None)
        work = next((each for each in view.work if each.stage == stage), None)
        flow = next((each for each in view.funnel if each.name == stage), None)
        return page(
            template, view=view, at=at, row=row, work=work, flow=flow, strip=cells, problem=problem,
            state=graph.state_of(row, work), progress=graph.progress(row, work), poll=_poll(view), examples=EXAMPLES,
        )  # fmt: skip

    @pages.get(stage_path + "/examples")
    def examples(namespace: str, name: str, stage: str, reason: str, outcome: str = "") -> Response:
        at = place(namespace, name, stage)
        found = history.losses(catalog, at, reason=reason, outcome=outcome, limit=EXAMPLES)
        return page("_examples.html", at=at, found=found, reason=reason, outcome=outcome)

    @pages.get(stage_path + "/losses")
    def losses(
        namespace: str,
        name: str,
        stage: str,
        reason: str = "",
        outcome: str = "",
        after: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        at = place(namespace, name, stage)
        found = history.losses(catalog, at, reason=reason, outcome=outcome, after=after)
        return page("losses.html", at=at, found=found, reason=reason, outcome=outcome, after=after)

    @pages.get(stage_path + "/logs")
    def log(
        request: Request, namespace: str, name: str, stage: str, shard: Annotated[int | None, Query(ge=0)] = None
    ) -> Response:
        at = place(namespace, name, stage)
        lines, problem = logs.logs(catalog, at, shard)
        template = "_log.html" if wants(request, "log") else "log.html"
        return page(template, at=at, lines=lines, problem=problem, shard=shard, most=logs.LINES)

    @pages.get(stage_path + "/items")
    def gallery(
        request: Request,
        namespace: str,
        name: str,
        stage: str,
        where: Where,
        field: str = "",
        op: str = ">=",
        value: str = "",
        sort: str = "ordinal",
        desc: bool = False,
        after: str = "",
    ) -> Response:
        at = place(namespace, name, stage)
        given = [*where, f"{field}{op if op in OPERATORS else '='}{value}"] if field and value else list(where)
        conditions = [ItemCondition.parse(each) for each in dict.fromkeys(given) if each]
        found = items.gallery(catalog, at, conditions, ItemOrder(sort, desc), after)
        template = "_tiles.html" if wants(request, "more") else "gallery.html"
        return page(
            template, at=at, found=found, where=[str(each) for each in conditions], sort=sort, desc=desc,
            operators=OPERATORS, after=after,
        )  # fmt: skip

    @pages.get(stage_path + "/count")
    def count(
        namespace: str,
        name: str,
        stage: str,
        where: Where,
    ) -> Response:
        conditions = [ItemCondition.parse(each) for each in where]
        found = items.count(catalog, place(namespace, name, stage), conditions, COUNTED)
        return page("_count.html", count=found.items, exact=found.exact)

    @pages.get(stage_path + "/histogram")
    def histogram(namespace: str, name: str, stage: str, field: str) -> Response:
        at = place(namespace, name, stage)
        return page("_histogram.html", at=at, found=items.histogram(catalog, at, field))

    @pages.get(stage_path + "/items/{ordinal}")
    def item(namespace: str, name: str, stage: str, ordinal: int) -> Response:
        at = place(namespace, name, stage)
        return page("item.html", at=at, item=items.item_view(catalog, at, ordinal))

    @pages.get(stage_path + "/items/{ordinal}/player")
    def player(namespace: str, name: str, stage: str, ordinal: int) -> Response:
        at = place(namespace, name, stage)
        return page("_player.html", at=at, item=items.item_view(catalog, at, ordinal), autoplay=True)

    @pages.get(stage_path + "/items/{ordinal}/frame.jpg")
    def frame(namespace: str, name: str, stage: str, ordinal: int) -> Response:
        at = place(namespace, name, stage)
        found = items.item(catalog, at, ordinal)
        if found.media is None:
            raise NoSuch("this item has no video", hint="look at its files")
        at.media.place(found.media.uri, found.media.source)
        shot = posters.of(at.task, found)
        headers = {"content-security-policy": FILE_POLICY, "cache-control": "private, max-age=3600"}
        if not shot.jpeg:
            return PlainTextResponse(f"No frame: {shot.problem}\n".encode(errors="replace"), 404, headers)
        return Response(shot.jpeg, headers=headers, media_type="image/jpeg")

    @pages.get(stage_path + "/items/{ordinal}/files/{number}")
    def file(request: Request, namespace: str, name: str, stage: str, ordinal: int, number: int) -> Response:
        at = place(namespace, name, stage)
        files = files_of(items.item(catalog, at, ordinal))
        if not 0 <= number < len(files):
            raise NoSuch(f"the item has no file {number}", hint=f"it has {len(files)}")
        wanted, known = request.headers.get("range", ""), request.headers.get("if-none-match", "")
        return file_response(at.media, files[number], wanted, known, head=request.scope[HEAD])

    @pages.get("/healthz")
    async def health() -> Response:
        # Needs no thread, so it responds while all threads wait for a store or for pictures.
        return PlainTextResponse("ok\n")

    return pages


def wants(request: Request, fragment: str) -> bool:
    """Return whether htmx requests a fragment of the page."""
    return request.headers.get("hx-target") == fragment


def _poll(view: PipelineSummary) -> int:
    working = any(row.state == "working" for row in view.stages) or any(each.step for each in view.work)
    return LIVE_SECONDS if working else CALM_SECONDS


def _pipeline_values(view: PipelineSummary) -> dict[str, Any]:
    work = {each.stage: each for each in view.work}
    return {
        "view": view,
        "across": graph.graph(view, downwards=False),
        "down": graph.graph(view, downwards=True),
        "states": {row.name: graph.state_of(row, work.get(row.name)) for row in view.stages},
        "work": work,
        "poll": _poll(view),
    }
