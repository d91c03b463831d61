"""The ASGI application: pages, the API, files, and responses to errors."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from reelmill.contract.errors import NotFound, ReelmillError, SpecError
from reelmill.contract.text.messages import safe_message
from reelmill_stages.dashboard.errors import NoSuch, NotIndexed
from reelmill_stages.dashboard.views.pipeline_catalog import PipelineCatalog
from reelmill_stages.dashboard.web import api, pages
from reelmill_stages.dashboard.web.posters import Posters
from reelmill_stages.dashboard.web.request_guard import RequestGuard
from reelmill_stages.dashboard.web.text import templates

API = "/api/"
FIRST_PAGE = ("pipelines.html", "_pipelines.html", "_states.html", "_parts.html", "base.html")
"""Templates of the list, compiled before the first request, which is answered while the list is read."""
RETRY_SECONDS = 2
"""After this time, a client asks again for what was not indexed yet."""


def application(
    catalog: PipelineCatalog, posters: Posters, *, allowed_hosts: Collection[str] = (), root_path: str = ""
) -> FastAPI:
    """Return the application, which starts and closes the catalog."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        catalog.start()
        yield
        posters.close()
        catalog.close()

    app = FastAPI(
        title="reelmill dashboard",
        summary="Pipelines, what their stages keep and drop, and their items. Read only.",
        version=version("reelmill-stages"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    env = templates(root_path)
    for name in FIRST_PAGE:
        env.get_template(name)

    def problem(request: Request, status: int, what: str, hint: str) -> Response:
        if request.url.path.removeprefix(root_path).startswith(API):
            return JSONResponse({"error": safe_message(what), "hint": safe_message(hint)}, status)
        html = env.get_template("error.html").render(what=what, hint=hint, status=status)
        return HTMLResponse(html, status)

    @app.exception_handler(ReelmillError)
    def _known(request: Request, error: ReelmillError) -> Response:
        status = 404 if isinstance(error, NoSuch | NotFound) else 400 if isinstance(error, SpecError) else 503
        answer = problem(request, status, str(error), error.hint)
        if isinstance(error, NotIndexed):
            answer.headers["retry-after"] = str(RETRY_SECONDS)
        return answer

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        return problem(request, error.status_code, str(error.detail), "begin at the list of pipelines")

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return problem(request, 400, f"{where}: {first['msg']}", "correct the address")

    @app.exception_handler(Exception)
    def _bug(request: Request, error: Exception) -> Response:
        return problem(request, 500, f"internal error: {type(error).__name__}", "see the log of the dashboard")

    app.include_router(api.router(catalog))
    app.include_router(pages.router(catalog, posters, env))
    static = Path(str(files("reelmill_stages.dashboard.web").joinpath("static")))
    app.mount("/static", _Static(directory=static), name="static")
    app.add_middleware(RequestGuard, allowed_hosts=allowed_hosts, root_path=root_path)
    return app


class _Static(StaticFiles):
    """Static files whose URLs contain their version."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
