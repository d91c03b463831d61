"""What can be in the way between a person and a cluster, each as one error with the way out. Pure."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import ReelmillError, SpecError, TransientError
from reelmill.schema.crd import PLURAL

_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
_UNKNOWN_KIND = ("could not find the requested resource", "404 page not found")
"""What servers say where the kind, or its whole group, is not defined."""
INSTALL = "install the operator first: docs/install.md"


class ObjectMissing(SpecError):
    """There is no such object. Raised for whoever asked to say it better."""


class NoSuchPipeline(SpecError):
    """There is no pipeline of that name."""


class ChangedMeanwhile(TransientError):
    """It changed since it was looked at."""


def check_context(place: ClusterOptions, known: Sequence[str], current: bool) -> None:
    """Raises SpecError where nothing, or nothing that exists, says which cluster is meant."""
    where = place.kubeconfig
    if not known:
        said = f"{where}: there is no such kubeconfig, or it names no cluster" if where else "no cluster is named"
        raise SpecError(said, hint="set KUBECONFIG, or say --kubeconfig FILE")
    if place.context and place.context not in known:
        raise SpecError(
            f"there is no context {place.context!r} in the kubeconfig", where=where, hint=_nearest(place.context, known)
        )
    if not place.context and not current:
        raise SpecError("the kubeconfig has no current context", where=where, hint=_nearest("", known))


def no_such_pipeline(name: str, namespace: str, names: Sequence[str]) -> NoSuchPipeline:
    """Naming the nearest one that there is."""
    hint = _nearest(name, names) if names else "the namespace has no pipelines: name another one with -n"
    return NoSuchPipeline(f"there is no pipeline {name!r} in the namespace {namespace}", hint=hint)


def unreachable(words: str, server: str, context: str) -> TransientError:
    """The API server gives no answer."""
    by = f" (context {context})" if context else ""
    return TransientError(
        f"the cluster does not answer{by}: {_cause(words)}",
        where=server,
        hint="check that it runs and can be reached from here; --context names another one",
    )


def refused(status: int, message: str, method: str, path: str, namespace: str) -> ReelmillError:
    """The API server said no."""
    resource, named = _resource(path)
    verb = _VERBS[method] if named or method != "GET" else "list"
    if status == 403:
        where = f"in the namespace {namespace}" if "/namespaces/" in path else "in all namespaces"
        return SpecError(
            f"you may not {verb} {resource} {where}",
            hint=f"somebody who may has to grant you the verb {verb!r} on {resource!r}; the server said: {message}",
        )
    if status == 401:
        return SpecError("the cluster does not know you", hint="log in anew; your kubeconfig's credentials are too old")
    if status == 404 and any(words in message for words in _UNKNOWN_KIND) and f"/{PLURAL}" in path:
        return SpecError("this cluster does not know VideoPipelines", hint=f"{INSTALL}; or say another --context")
    if status == 404:
        return ObjectMissing(message, hint="it is gone")
    if status == 409 and "conflict" in message.lower() and "manager" in message:
        return SpecError(
            f"fields belong to somebody else: {' '.join(message.split())}",
            hint="change them there, or take them over with --force-conflicts",
        )
    if status == 409:
        return ChangedMeanwhile(message, hint="try again")
    if status in (400, 422):
        return SpecError(_invalid(message), hint="")
    return SpecError(f"the server refused to {verb} {resource}: {message}", hint="")


def _resource(path: str) -> tuple[str, bool]:
    """`videopipelines.reelmill.dev`, `pods`, `pods/log`; and whether one object is meant."""
    parts = [part for part in path.split("/") if part]
    group = f".{parts[1]}" if parts[0] == "apis" else ""
    rest = parts[3:] if parts[0] == "apis" else parts[2:]
    if rest[0] == "namespaces":
        rest = rest[2:]
    part = f"/{rest[2]}" if len(rest) > 2 else ""
    return f"{rest[0]}{group}{part}", len(rest) > 1


def _invalid(message: str) -> str:
    """The server's words about a spec, without its preamble: `spec.stages[0]: …`."""
    return re.sub(r'^VideoPipeline\.reelmill\.dev "[^"]*" is invalid: ', "", " ".join(message.split()))


def _cause(words: str) -> str:
    lower = words.lower()
    for sign, cause in (
        ("name or service not known", "its name is unknown"),
        ("nodename nor servname", "its name is unknown"),
        ("temporary failure in name resolution", "its name is unknown"),
        ("certificate", "its certificate is not one that the kubeconfig trusts"),
        ("timeout", "no answer in time"),
        ("connect", "no connection can be made"),
    ):
        if sign in lower:
            return cause
    return words


def _nearest(name: str, names: Sequence[str]) -> str:
    if near := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"did you mean {near[0]}?"
    shown = sorted(names)
    return f"there {'is only' if len(shown) == 1 else 'are'} {', '.join(shown[:8])}{', …' if len(shown) > 8 else ''}"
