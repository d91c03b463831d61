"""The servers that a pipeline connects to, in CEL: the rules of `reelmill.contract.policy.servers` for the API server.

The fields that contain URIs come from the models, so both find a field that is added to a block.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from reelmill.contract.model import Model, camel
from reelmill.contract.policy.servers import AWS, HOST, SERVERS, Path, uri_paths
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.model_server import ModelServer
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec, members

_STORE = "object.spec.store"


def _blocks(model: type[Model], kind: type[Model]) -> Iterator[tuple[str, type[Model]]]:
    """(name, model) of the blocks of a source or stage."""
    for name in members(model, kind):
        yield from ((name, block) for block in _models(model, name))


def _models(model: type[Model], name: str) -> list[type[Model]]:
    parts = (model.model_fields[name].annotation, *get_args(model.model_fields[name].annotation))
    return [part for part in parts if isinstance(part, type) and issubclass(part, Model)]


def _uris(value: str, model: type[Model], kind: type[Model]) -> str:
    """A list of the URIs in any block of a source or stage, without local paths."""
    texts = [
        _text(f"{value}.?{name}", block, path) for name, block in _blocks(model, kind) for path in uri_paths(block)
    ]
    return f"[{', '.join(texts)}].filter(u, {_is_remote('u')})"


def _text(parent: str, model: type[Model], path: Path) -> str:
    """The text of a field below an optional value; empty if it is absent."""
    field, *below = path
    here = f"{parent}.?{camel(field)}"
    if not below:
        return f"{here}.orValue('')"
    (inner,) = _models(model, field)
    others = {*get_args(model.model_fields[field].annotation)} - {inner, type(None)}
    if others:  # a string or an object
        text = f"{here}.value().?{camel(below[0])}.orValue('')"
        return f"({here}.hasValue() && type({here}.value()) != string ? {text} : '')"
    return _text(here, inner, tuple(below))


def _is_remote(uri: str) -> str:
    return f"{uri}.contains('://') && !{uri}.startsWith('file://')"


def _is_url(uri: str) -> str:
    return f"{uri}.matches('^https?://')"


def _default_server(uri: str) -> str:
    known = "".join(f"{uri}.startsWith('{scheme}://') ? '{server}' : " for scheme, server in SERVERS.items())
    return f"({known}'{AWS}')"


def _server_of_uri(uri: str) -> str:
    """The server of a URI without a separate connection."""
    shared = f"{uri}.split('://')[0] == {_STORE}.uri.split('://')[0] || !({_is_remote(f'{_STORE}.uri')})"
    return (
        f"(variables.storeEndpoint != '' && !{uri}.startsWith('hf://') && ({shared})"
        f" ? variables.storeEndpoint : {_default_server(uri)})"
    )


def _servers(urls: str) -> str:
    """Each URL without its path; text without a host is unchanged."""
    return f"({urls}).map(u, u.matches(r'{HOST}') ? u.find(r'{HOST}') : u)"


def _model_servers(value: str) -> str:
    """The URLs of the model servers of each stage block that can have one."""
    with_server = [name for name, block in _blocks(StageSpec, StageBlock) if _names_server(block)]
    return "[" + ", ".join(f"{value}.?{name}.?server.?url.orValue('')" for name in with_server) + "]"


def _names_server(block: type[Model]) -> bool:
    return "server" in block.model_fields and ModelServer in _models(block, "server")


SERVER_VARIABLES: Mapping[str, str] = {
    "storeEndpoint": f"{_STORE}.?endpoint.orValue('')",
    "storeServer": _servers(
        f"[{_is_url(f'{_STORE}.uri')} ? {_STORE}.uri : variables.storeEndpoint != '' ? variables.storeEndpoint"
        f" : {_is_remote(f'{_STORE}.uri')} ? {_default_server(f'{_STORE}.uri')} : '']"
    )
    + "[0]",
}
"""Variables of the policy that the lists of servers use."""

_SOURCE_SERVERS = (
    _servers(
        "[s.?s3.?endpoint.orValue('')] + "
        + _uris("s", SourceSpec, SourceBlock)
        + f".map(u, {_is_url('u')} ? u : has(s.s3) ? "
        f"s.s3.?endpoint.orValue({_default_server('u')}) : {_server_of_uri('u')})"
    )
    + ".filter(n, has(s.s3) || n != variables.storeServer) + "
    + _servers("s.?web.?privateServers.orValue([])")
    + " + s.?web.?allowedHosts.orValue([]).map(h, 'https://' + h)"
)
_STAGE_SERVERS = (
    _servers(_uris("p", StageSpec, StageBlock) + f".map(u, {_is_url('u')} ? u : {_server_of_uri('u')})")
    + ".filter(n, n != variables.storeServer) + "
    + _servers(_model_servers("p"))
)
SERVER_LISTS = (
    f"[[variables.storeServer]] + object.spec.sources.map(s, {_SOURCE_SERVERS}) "
    f"+ variables.places.map(p, {_STAGE_SERVERS})"
)
"""Lists of the servers that a pipeline connects to; empty names are ignored."""
