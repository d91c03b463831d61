"""String literals where a declared word belongs: reasons of items, of conditions and of events, types of conditions.

Read from the source of both distributions, so that a new word cannot be used without a declaration.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reelmill.contract import errors
from reelmill.contract.conditions import ConditionReason, ConditionType, EventReason
from repo.tree import modules

PLACES = {
    "ItemError": 0,
    "Failed": 0,
    "Filtered": 0,
    "Skipped": 0,
    "InputResult": 1,
    "Refused": 1,
    "Damaged": 1,
    "Event": 1,
    "Diagnosis": 0,
    "stalled": 0,
    "let_go": 1,
    "holds": 0,
    "true": 0,
    "condition": 0,
}
"""Function or class -> place of the argument that takes a declared word."""
KEYWORDS = {"reason"}
_WORD = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)*\Z")
SPEAKERS = ("reelmill.plan.", "reelmill.controller.")
OTHERS = {
    # of Jobs and pods
    "Active", "Background", "Complete", "CreateContainerConfigError", "CreateContainerError", "DeleteOptions",
    "DisruptionTarget", "Equal", "ErrImageNeverPull", "ErrImagePull", "Event", "Exists", "FailIndex", "FailJob",
    "Failed", "File", "Foreground", "Gt", "IfNotPresent", "Ignore", "ImageInspectError", "ImagePullBackOff", "In",
    "Indexed", "InvalidImageName", "Job", "Lease", "Memory", "Never", "NoSchedule", "OnExit", "Orphan", "Pending",
    "PodScheduled", "RunContainerError", "RuntimeDefault", "SchedulingGated", "Succeeded", "Always", "Pod",
    "VideoPipeline", "Status", "NotIn", "DoesNotExist",
    # names of Python and of the spec
    "Action", "CreateJob", "DeleteJob", "PatchJob", "Plan", "SetFinalizers", "Settings", "Snapshot", "Delete", "Keep",
    "False", "True", "Ki", "Mi", "Gi", "Ti", "Pi", "FallbackToLogsOnError",
    # of HTTP
    "Accept", "Content", "BearerToken", "Retry", "Bearer",
}  # fmt: skip
"""Words of others, never ours to say."""
_NOT_OF_STEPS = {"ReelmillError", "ItemError"}


def literal_reasons(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """(line, word) of every literal that stands where a declared word belongs."""
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = PLACES.get(name)
        words = node.args[place : place + 1] if place is not None else []
        words += [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
        yield from ((each.lineno, each.value) for word in words for each in ast.walk(word) if _is_text(each))


def spoken_words(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """(line, word) of every CamelCase literal, wherever it stands, that is not a word of others."""
    for node in nodes:
        if _is_text(node) and _WORD.match(node.value) and node.value not in OTHERS:
            yield node.lineno, node.value


def speakers() -> Iterator[tuple[str, Path]]:
    """Name and path of the modules that write statuses and events."""
    yield from ((name, path) for name, path in modules() if name.startswith(SPEAKERS))


def declared_words() -> set[str]:
    """Everything that the operator can say."""
    return {str(word) for kind in (ConditionType, ConditionReason, EventReason) for word in kind}


def error_names() -> Iterator[str]:
    """Names of the error tree: reasons of what a step reports. Those of single items never leave the ledger."""
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.ReelmillError) and name not in _NOT_OF_STEPS:
            yield name


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
