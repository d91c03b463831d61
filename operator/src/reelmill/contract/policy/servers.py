"""The servers that a pipeline connects to: those of its store, sources, parameters and models.

The rules match how `reelmill_stages.store.open` connects; a test compares the two. Servers named in rows of a table or
in the code of a `run` stage are not in the pipeline; only a NetworkPolicy can restrict them.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from reelmill.contract.model import Model, camel
from reelmill.contract.spec.field_types import Endpoint, Uri
from reelmill.contract.spec.model_server import ModelServer
from reelmill.contract.spec.pipeline import SourceSpec, Spec
from reelmill.contract.spec.s3 import S3

AWS = "https://s3.amazonaws.com"
"""The server of an S3 bucket without an endpoint."""
HUB = "https://huggingface.co"
SERVERS: Mapping[str, str] = {
    "az": "https://*.blob.core.windows.net",
    "gs": "https://storage.googleapis.com",
    "hf": HUB,
}
"""Default servers of other schemes. For `az://`, the Secret names the account, so this matches any account."""
HOST = r"^(?i:https?:)?(?://)?[^/?#\\]+"
"""Matches a URL up to the end of the server, as clients parse it: some accept a scheme in capitals, or none. In the
syntax that Python and the API server (RE2) share."""

Path = tuple[str, ...]
"""Names of nested fields of a model."""


@cache
def uri_paths(model: type[Model]) -> tuple[Path, ...]:
    """The fields of a block that contain a URI of data, at any depth: `(tokenizer, uri)`."""
    found: list[Path] = []
    for name, field in model.model_fields.items():
        if _holds_uri(field):
            found.append((name,))
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, Model):
                found += [(name, *path) for path in uri_paths(part)]
    return tuple(found)


def servers(spec: Spec) -> Iterator[tuple[str, str]]:
    """(path in the resource, `scheme://host:port`) of each server that a pipeline names or reaches by default. The
    store's server is reported once, with the path of the store.
    """
    store = server_of(spec.store.uri, spec.store, spec.store) or server(spec.store.endpoint or "")
    if store:
        yield "spec.store.endpoint", store
    for number, source in enumerate(spec.sources):
        yield from _servers_of_source(source, f"spec.sources[{number}]", spec, store)
    for number, stage in enumerate(spec.stages):
        where = f"spec.stages[{number}].{stage.type}"
        for path, uri in uris(stage.block):
            if (found := server_of(uri, None, spec.store)) not in ("", store):
                yield f"{where}.{path}", found
        asked = getattr(stage.block, "server", None)
        if isinstance(asked, ModelServer):
            yield f"{where}.server.url", server(asked.url)


def _servers_of_source(source: SourceSpec, where: str, spec: Spec, store: str) -> Iterator[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    if source.s3 and source.s3.endpoint:
        found[f"{where}.s3.endpoint", server(source.s3.endpoint)] = None
    for path, uri in uris(source.block):
        name = server_of(uri, source.s3, spec.store)
        if name and (source.s3 or name != store):
            by_connection = source.s3 is not None and not is_url(uri)
            found[f"{where}.s3.endpoint" if by_connection else f"{where}.{source.type}.{path}", name] = None
    yield from found
    for place, url in enumerate(source.web.private_servers if source.web else ()):
        yield f"{where}.web.privateServers[{place}]", server(url)
    for place, host in enumerate(source.web.allowed_hosts if source.web else ()):
        yield f"{where}.web.allowedHosts[{place}]", f"https://{host}"


def server_of(uri: str, own: S3 | None, store: S3) -> str:
    """The server that a URI is read from, with the connection of its source or of the store; empty: none."""
    scheme, separator, _ = uri.partition("://")
    if not separator or scheme == "file":
        return ""
    if is_url(uri):
        return server(uri)
    usual = SERVERS.get(scheme, AWS)
    if own is None and (scheme == "hf" or not _uses_store_connection(scheme, getattr(store, "uri", ""))):
        return usual
    return server((own or store).endpoint or usual)


def _uses_store_connection(scheme: str, store: str) -> bool:
    """Whether URIs of a scheme are read with the connection of a store: it has the same scheme, or is local."""
    store_scheme, separator, _ = store.partition("://")
    return store_scheme == scheme or not separator or store_scheme == "file"


def is_url(uri: str) -> bool:
    """Whether a URI contains its server."""
    return uri.startswith(("https://", "http://"))


def server(url: str) -> str:
    """Return a URL without its path: `http://host:9000`. Text without a host is returned unchanged."""
    found = re.match(HOST, url)
    return found[0] if found else url


def uris(block: Model) -> Iterator[tuple[str, str]]:
    """(path, value) of the URIs of a block."""
    for path in uri_paths(type(block)):
        value: Any = block
        for name in path:
            value = getattr(value, name, None)
        if isinstance(value, str):
            yield ".".join(map(camel, path)), value


def _holds_uri(field: FieldInfo) -> bool:
    parts = [part for part in get_args(field.annotation) if get_origin(part) is Annotated]
    marks = [field.metadata, *(part.__metadata__ for part in parts)]
    of_uris, of_endpoints = get_args(Uri)[-1], get_args(Endpoint)[-1]
    return any(of_uris in mark and of_endpoints not in mark for mark in marks)
