"""The calls of the Hugging Face Hub by which a data set is listed and read, for uvicorn.

A repository is a folder: `COMMIT/…` the files of a commit, `refs.json` what branches are. Files of `LARGE` bytes or
more are LFS files, to which the server redirects on another path, as the Hub does to another host. huggingface_hub
itself reads it in the tests.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

LARGE = 1000
PAGE = 3
TOKEN = "hf_token_of_tests"
ROOT = Path(os.environ.get("SERVED_FOLDER", "."))


def _commit(request: Request) -> Path | None:
    repository = ROOT / request.path_params["owner"] / request.path_params["name"]
    if request.path_params["owner"] == "private" and request.headers.get("authorization") != f"Bearer {TOKEN}":
        return None
    if not (repository / "refs.json").exists():
        return None
    refs = json.loads((repository / "refs.json").read_text())
    found = repository / refs.get(request.path_params["revision"], request.path_params["revision"])
    return found if found.is_dir() else None


def _entry(commit: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(commit).as_posix()
    if path.is_dir():
        return {"type": "directory", "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0, "path": name}
    data = path.read_bytes()
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    entry: dict[str, Any] = {"type": "file", "oid": blob, "size": len(data), "path": name}
    if len(data) >= LARGE:
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


def _gone() -> Response:
    return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})


async def info(request: Request) -> Response:
    commit = _commit(request)
    repository = "/".join(request.path_params[part] for part in ("owner", "name"))
    return JSONResponse({"id": repository, "sha": commit.name, "siblings": []}) if commit else _gone()


async def tree(request: Request) -> Response:
    commit = _commit(request)
    folder = commit / request.path_params.get("path", "") if commit else None
    if commit is None or folder is None or not folder.is_dir():
        return _gone()
    found = [_entry(commit, path) for path in sorted(folder.rglob("*"))]
    first = int(request.query_params.get("cursor", 0))
    headers = {}
    if first + PAGE < len(found):
        following = request.url.include_query_params(cursor=first + PAGE)
        headers["Link"] = f'<{following}>; rel="next"'
    return JSONResponse(found[first : first + PAGE], headers=headers)


async def paths(request: Request) -> Response:
    commit = _commit(request)
    if commit is None:
        return _gone()
    asked = parse_qs((await request.body()).decode())["paths"]
    return JSONResponse([_entry(commit, commit / path) for path in asked if (commit / path).exists()])


async def resolve(request: Request) -> Response:
    commit = _commit(request)
    path = commit / request.path_params["path"] if commit else None
    if commit is None or path is None or not path.is_file():
        return Response("Entry not found", 404, {"X-Error-Code": "EntryNotFound"})
    entry = _entry(commit, path)
    if "lfs" not in entry:
        return FileResponse(path, headers={"ETag": f'"{entry["oid"]}"', "X-Repo-Commit": commit.name})
    told = {
        "X-Linked-Etag": f'"{entry["lfs"]["oid"]}"',
        "X-Linked-Size": str(entry["size"]),
        "X-Repo-Commit": commit.name,
    }
    return RedirectResponse(f"/cdn/{path.relative_to(ROOT)}", 302, told)


async def cdn(request: Request) -> Response:
    if "authorization" in request.headers and request.path_params["path"].startswith("private/other"):
        return Response("a token was sent", 400)
    return FileResponse(ROOT / request.path_params["path"], headers={"ETag": '"of the host"'})


API = "/api/datasets/{owner}/{name}"
app = Starlette(
    routes=[
        Route(f"{API}/revision/{{revision:path}}", info),
        Route(f"{API}/tree/{{revision}}", tree),
        Route(f"{API}/tree/{{revision}}/{{path:path}}", tree),
        Route(f"{API}/paths-info/{{revision}}", paths, methods=["POST"]),
        Route("/datasets/{owner}/{name}/resolve/{revision}/{path:path}", resolve),
        Route("/cdn/{path:path}", cdn),
    ]
)
