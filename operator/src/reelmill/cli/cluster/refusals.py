"""Errors of the connection to a cluster, each with a hint. Pure."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import ReelmillError, SpecError, TransientError
from reelmill.schema.crd import PLURAL

_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
_UNKNOWN_KIND = ("could not find the requested resource", "404 page not found")
"""Server messages for a kind, or a whole group, that is not defined."""
INSTALL = "install the operator first: docs/install.md"


class ObjectMissing(SpecError):
    """The object does not exist. Callers replace this by a more specific error."""


class NoCluster(SpecError):
    """No cluster is configured."""


class NoSuchPipeline(SpecError):
    """There is no pipeline with that name."""


class ChangedMeanwhile(TransientError):
    """Another client has changed the object since it was read."""


def check_context(place: ClusterOptions, known: Sequence[str], current: bool) -> None:
    """Raises NoCluster if no cluster is configured, and SpecError if the context does not exist."""
    where = place.kubeconfig
    if not known:
        problem = (
            f"{where}: the kubeconfig does not exist or defines no context" if where else "no cluster is configured"
        )
        raise NoCluster(
            problem, hint="set KUBECONFIG or give --kubeconfig FILE; to use a pipeline on this machine, give its file"
        )
    if place.context and place.context not in known:
        raise SpecError(
            f"no context named {place.context!r} in the kubeconfig", where=where, hint=_name_hint(place.context, known)
        )
    if not place.context and not current:
        raise SpecError("the kubeconfig has no current context", where=where, hint=_name_hint("", known))


def no_such_pipeline(name: str, namespace: str, names: Sequence[str]) -> NoSuchPipeline:
    """The error for an unknown pipeline name, with the most similar existing one as hint."""
    hint = _name_hint(name, names) if names else "the namespace has no pipelines; select another one with -n"
    return NoSuchPipeline(f"no pipeline named {name!r} in namespace {namespace}", hint=hint)


def unreachable(words: str, server: str, context: str) -> TransientError:
    """The error for an API server that does not answer."""
    by = f" (context {context})" if context else ""
    return TransientError(
        f"the cluster does not answer{by}: {_connection_cause(words)}",
        where=server,
        hint="check that it is running and reachable from here, or select another one with --context",
    )


def refused(status: int, message: str, method: str, path: str, namespace: str) -> ReelmillError:
    """The error for a request that the API server rejected with the HTTP `status` and `message`."""
    resource, named = _resource_of_path(path)
    verb = _VERBS[method] if named or method != "GET" else "list"
    if status == 403:
        where = f"in namespace {namespace}" if "/namespaces/" in path else "in all namespaces"
        return SpecError(
            f"you are not allowed to {verb} {resource} {where}",
            hint=f"ask an administrator to grant the verb {verb!r} on {resource!r}; the server's message: {message}",
        )
    if status == 401:
        return SpecError("the cluster rejected your credentials", hint="log in again; they may have expired")
    if status == 404 and any(words in message for words in _UNKNOWN_KIND) and f"/{PLURAL}" in path:
        return SpecError(
            "VideoPipelines are not defined in this cluster",
            hint=f"{INSTALL}; or select another cluster with --context",
        )
    if status == 404:
        return ObjectMissing(message, hint="it may have been deleted")
    if status == 409 and "conflict" in message.lower() and "manager" in message:
        return SpecError(
            f"other tools own some of the fields: {' '.join(message.split())}",
            hint="change the fields with that tool, or take ownership with --force-conflicts",
        )
    if status == 409:
        return ChangedMeanwhile(message, hint="try again")
    if status in (400, 422):
        return SpecError(_without_preamble(message), hint="")
    return SpecError(f"the server refused to {verb} {resource}: {message}", hint="")


def _resource_of_path(path: str) -> tuple[str, bool]:
    """(`videopipelines.reelmill.dev`, `pods` or `pods/log`; whether the path refers to a single object)."""
    parts = [part for part in path.split("/") if part]
    group = f".{parts[1]}" if parts[0] == "apis" else ""
    rest = parts[3:] if parts[0] == "apis" else parts[2:]
    if rest[0] == "namespaces":
        rest = rest[2:]
    part = f"/{rest[2]}" if len(rest) > 2 else ""
    return f"{rest[0]}{group}{part}", len(rest) > 1


def _without_preamble(message: str) -> str:
    """The server's message about a spec without its preamble: `spec.stages[0]: …`."""
    return re.sub(r'^VideoPipeline\.reelmill\.dev "[^"]*" is invalid: ', "", " ".join(message.split()))


def _connection_cause(words: str) -> str:
    lower = words.lower()
    for sign, cause in (
        ("name or service not known", "the host name cannot be resolved"),
        ("nodename nor servname", "the host name cannot be resolved"),
        ("temporary failure in name resolution", "the host name cannot be resolved"),
        ("certificate", "the kubeconfig does not trust its certificate"),
        ("timeout", "the request timed out"),
        ("connect", "the connection failed"),
    ):
        if sign in lower:
            return cause
    return words


def _name_hint(name: str, names: Sequence[str]) -> str:
    if near := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"did you mean {near[0]}?"
    shown = sorted(names)
    return f"available: {', '.join(shown[:8])}{', …' if len(shown) > 8 else ''}"
