"""A small API server over real HTTP for the client's sake: objects by path, merge patches, versions, canned refusals.

It has no Job controller and no validation: what those do is tested on a real control plane.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from reelmill.controller.kube.connection import Access, ApiConnection, connect
from reelmill.plan.jobs.build import RUN

Json = dict[str, Any]


class Stub:
    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.version = 100
        self.requests: list[tuple[str, str, Json | None]] = []
        self.queries: list[dict[str, str]] = []
        self.refusals: list[tuple[str, int, str, dict[str, str]]] = []
        """(method, status, message, headers) of the next requests of that method, or of `METHOD path`."""
        self.unknown: set[str] = set()
        """Fields of stages in a status that the definition of the resource does not have, so that they are not kept."""
        self.stripped: set[str] = set()
        """Labels that an admission webhook removes from every Job."""
        self.pods: list[Json] = []
        self.cached_pods: list[Json] | None = None
        """The pods as the server's cache has them; None: it is up to date."""

    def put(self, path: str, document: Json) -> Json:
        """An object that was there before."""
        self.version += 1
        metadata = {"uid": f"uid-{self.version}", **document["metadata"], "resourceVersion": str(self.version)}
        if self.stripped and "/jobs/" in path:
            labels = metadata.get("labels", {})
            metadata["labels"] = {name: value for name, value in labels.items() if name not in self.stripped}
        self.objects[path] = {**document, "metadata": metadata}
        return self.objects[path]

    def writes(self) -> list[str]:
        """Method and the path's end of every write."""
        return [f"{method} {path.split('/namespaces/')[-1]}" for method, path, _ in self.requests if method != "GET"]

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = json.loads(text) if text else None
        self.requests.append((request.method, request.path, body))
        self.queries.append(dict(request.query))
        for refusal in self.refusals:
            method, status, message, headers = refusal
            if method in (request.method, f"{request.method} {request.path}"):
                self.refusals.remove(refusal)
                return self._refuse(status, message, headers)
        await asyncio.sleep(0)
        return getattr(self, f"_{request.method.lower()}")(request.path, body, request)  # type: ignore[no-any-return]

    def _refuse(self, status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
        return web.json_response({"kind": "Status", "message": message}, status=status, headers=headers)

    def _get(self, path: str, _body: None, request: web.Request) -> web.Response:
        if path in self.objects:
            return web.json_response(self.objects[path])
        if path.endswith("/pods"):
            cached = request.query.get("resourceVersion") == "0" and self.cached_pods is not None
            pods = self.cached_pods if cached else self.pods
            return web.json_response({"items": pods, "metadata": {"resourceVersion": str(self.version)}})
        if path.rpartition("/")[2] in ("jobs", "videopipelines"):
            root, _, plural = path.rpartition("/")
            found = [
                each
                for where, each in sorted(self.objects.items())
                if where.startswith(root) and where.split("/")[-2] == plural
            ]
            limit, start = int(request.query["limit"]), int(request.query.get("continue") or 0)
            metadata: Json = {"resourceVersion": str(self.version)}
            if len(found) > start + limit:
                metadata["continue"] = str(start + limit)
            return web.json_response({"items": found[start : start + limit], "metadata": metadata})
        return self._refuse(404, "not found")

    def _post(self, path: str, body: Json, _request: web.Request) -> web.Response:
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            return self._refuse(409, "already exists")
        return web.json_response(self.put(where, body), status=201)

    def _patch(self, path: str, body: Json, _request: web.Request) -> web.Response:
        where = path.removesuffix("/status")
        if where not in self.objects:
            return self._refuse(404, "not found")
        known = self.objects[where]
        wanted = body.get("metadata", {}).get("resourceVersion")
        if wanted and wanted != known["metadata"]["resourceVersion"]:
            return self._refuse(409, "the object has been modified")
        return web.json_response(self.put(where, self._pruned(merged(known, body))))

    def _pruned(self, document: Json) -> Json:
        status = document.get("status") or {}
        if not status.get("stages"):
            return document
        stages = [{name: stage[name] for name in stage if name not in self.unknown} for stage in status["stages"]]
        return {**document, "status": {**status, "stages": stages}}

    def _put(self, path: str, body: Json, _request: web.Request) -> web.Response:
        if body["metadata"]["resourceVersion"] != self.objects[path]["metadata"]["resourceVersion"]:
            return self._refuse(409, "the object has been modified")
        return web.json_response(self.put(path, body))

    def _delete(self, path: str, _body: Json, request: web.Request) -> web.Response:
        if selector := request.query.get("labelSelector", ""):
            numbers = selector.partition(" in (")[2].rstrip(")").split(",")
            for where, each in [*self.objects.items()]:
                if where.startswith(f"{path}/") and each["metadata"]["labels"].get(RUN) in numbers:
                    del self.objects[where]
            return web.json_response({"kind": "Status", "status": "Success"})
        if path not in self.objects:
            return self._refuse(404, "not found")
        del self.objects[path]
        return web.json_response({"kind": "Status", "status": "Success"})


def merged(known: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    base = known if isinstance(known, dict) else {}
    both = {**base, **{name: merged(base.get(name), value) for name, value in patch.items()}}
    return {name: value for name, value in both.items() if value is not None}


@asynccontextmanager
async def served(stub: Stub, folder: Any) -> AsyncIterator[ApiConnection]:
    """The stub on loopback, and a connection to it by a kubeconfig."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}],
        "users": [{"name": "x", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    cluster = await connect(Access(kubeconfig=str(path)))
    try:
        yield cluster
    finally:
        await cluster.close()
        await runner.cleanup()
