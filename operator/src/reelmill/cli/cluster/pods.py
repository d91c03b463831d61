"""Descriptions of pods: why one failed, what it requests, and the last error in its log. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reelmill.contract.errors import ExitCode
from reelmill.contract.text.json_line import json_object
from reelmill.contract.text.quantities import count_of
from reelmill.plan.jobs.pod import CONTAINER

Json = Mapping[str, Any]
_CODES = {
    ExitCode.CONFIG: "invalid configuration",
    ExitCode.EARLY_ABORT: "the first items all failed",
    ExitCode.BUG: "internal error",
    ExitCode.TRANSIENT: "temporary failure of a server or disk",
    ExitCode.STALE_PLAN: "stale plan",
}


def end(pod: Json) -> str:
    """Why a pod failed: `OOMKilled`, `Evicted`, `exit code 75 (temporary failure of …)`; empty if it did not fail."""
    status = pod.get("status") or {}
    if status.get("phase") != "Failed":
        return ""
    if status.get("reason"):
        return str(status["reason"])
    ended = _container(pod).get("terminated") or {}
    code, reason = int(ended.get("exitCode") or 0), str(ended.get("reason") or "")
    if reason and reason != "Error":
        return reason
    known = {int(each): words for each, words in _CODES.items()}
    return f"exit code {code}" + (f" ({known[code]})" if code in known else "")


def ends(pods: Iterable[Json]) -> str:
    """`3 pods failed: 2 OOMKilled, 1 Evicted`; empty if none failed."""
    counted = Counter(filter(None, map(end, pods)))
    if not counted:
        return ""
    number = sum(counted.values())
    causes = ", ".join(f"{count} {words}" for words, count in counted.most_common(3))
    return f"{count_of(number, 'pod')} failed: {causes}"


def asks(pod: Json) -> str:
    """The resources and node labels that a pod requests: `cpu 4, memory 8Gi, nvidia.com/gpu 1 on nodes with …`."""
    spec = pod.get("spec") or {}
    container: Json = next((each for each in spec.get("containers") or () if each.get("name") == CONTAINER), {})
    resources = container.get("resources") or {}
    wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    resources_text = ", ".join(f"{name} {amount}" for name, amount in sorted(wanted.items()))
    labels = [f"{name}={value}" for name, value in sorted((spec.get("nodeSelector") or {}).items())]
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    terms = [_selector_text(term) for term in affinity.get("nodeSelectorTerms") or () if term.get("matchExpressions")]
    if len(terms) > 1:
        labels.append(f"either {', or '.join(terms)}")
    else:
        labels += terms
    where = f"nodes with {' and '.join(labels)}" if labels else ""
    return " on ".join(part for part in (resources_text, where) if part)


def last_words(lines: Sequence[str]) -> str:
    """The last error message of a log, or its last line, cut to 300 characters; empty for an empty log."""
    message = ""
    for line in reversed(lines):
        record = json_object(line) or {"msg": line}
        words = " ".join(str(record.get("msg") or "").split())
        if record.get("level") in ("error", "critical") and words:
            return words[:300]
        message = message or words
    return message[:300]


def _selector_text(term: Json) -> str:
    """The expressions of a node selector term: `zone In (a, b) and Exists gpu`."""
    found = ((each, ", ".join(map(str, each.get("values") or ()))) for each in term["matchExpressions"])
    return " and ".join(
        f"{each['key']} {each['operator']} ({values})" if values else f"{each['operator']} {each['key']}"
        for each, values in found
    )


def _container(pod: Json) -> Json:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    found: Json = next((each.get("state") or {} for each in statuses if each.get("name") == CONTAINER), {})
    return found
