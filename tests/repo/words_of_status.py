"""Every CamelCase word that the operator can say: as a condition, a reason, or an event. Read from the source.

A word is found wherever the planner or the controller has it as a string; those that are Kubernetes' own, and never
ours to say, are named here. So a new reason cannot be forgotten: it is documented, or it is named.
"""

import ast
import re
from collections.abc import Iterator

from reelmill.contract import errors
from repo.tree import ROOT

FOLDERS = ("operator/src/reelmill/plan", "operator/src/reelmill/controller")
_WORD = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)*\Z")
OTHERS = {
    # of Jobs and pods
    "Active", "Background", "CreateContainerConfigError", "CreateContainerError", "DeleteOptions", "DisruptionTarget",
    "Equal", "ErrImageNeverPull", "ErrImagePull", "Event", "Exists", "FailIndex", "FailJob", "File", "Foreground", "Gt",
    "IfNotPresent", "Ignore", "ImageInspectError", "ImagePullBackOff", "In", "Indexed", "InvalidImageName", "Job",
    "Lease", "Memory", "Never", "NoSchedule", "OnExit", "Orphan", "Pending", "PodScheduled", "RunContainerError",
    "RuntimeDefault", "Succeeded", "Always", "Pod", "VideoPipeline", "Status", "NotIn", "DoesNotExist",
    # of events: their kinds
    "Normal", "Warning",
    # names of Python and of the spec
    "Action", "CreateJob", "DeleteJob", "PatchJob", "Plan", "SetFinalizers", "PlannerSettings", "Snapshot", "Delete", "Keep",
    "False", "True", "Ki", "Mi", "Gi", "Ti", "Pi", "FallbackToLogsOnError",
    # of HTTP
    "Accept", "Content", "BearerToken", "Retry", "Bearer",
}  # fmt: skip

_NO_REASONS = {"ReelmillError", "ItemError"}
QUIET = {
    "Accepted", "Complete", "DataRemoved", "Drifted", "Failed", "Going", "Idle", "NotFailed", "PassClosed",
    "Progressing", "Ready", "Reconciling", "Running", "Stalled", "Surveying", "Suspended", "Valid",
}  # fmt: skip
"""Conditions, and reasons about which nobody has to do anything."""


def spoken() -> set[str]:
    """The words."""
    found = {word for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") for word in _words(path.read_text())}
    return found - OTHERS | set(error_names())


def error_names() -> Iterator[str]:
    """Names of the error tree: reasons of what a step reports. Those of single items never leave the ledger."""
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.ReelmillError) and name not in _NO_REASONS:
            yield name


def _words(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _WORD.match(node.value):
            yield node.value
