"""What the operator says of a pipeline in words that programs may rely on: condition types, their reasons, events.

Each word is declared here and nowhere else, with what it means, what to do, and whether a retry can help. The status
reference, the failure handbook, `reelmill why` and the metrics are made from these declarations. The stored words never
change.

A reason of `Stalled` may be a word that is not declared: the kubelet's about a pod (`Evicted`), or the name of an
exception that is a bug.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

EventType = Literal["Normal", "Warning"]


class Recovery(StrEnum):
    """What has to happen before work goes on, and with it whether a retry can help."""

    NOT_NEEDED = ""
    BY_ITSELF = "not needed: it goes on by itself"
    RETRY = "yes, once the cause is removed"
    EDIT = "no: the spec has to be edited"


class Topic(StrEnum):
    """What a reason is about: the chapters of the failure handbook."""

    NONE = ""
    PODS = "Pods do not run"
    OTHERS = "Waiting for others"
    INPUT = "Stalled: the input"
    STORE = "Stalled: the store"
    STEPS = "Stalled: the steps"


class ConditionType(StrEnum):
    """The conditions of a pipeline, by the rules of kstatus."""

    meaning: str
    """What it says when it is True."""
    event: EventType | None
    """Type of the event that is written when it becomes True; None: no event."""
    optional: bool
    """Shown only once it was ever True."""

    def __new__(cls, word: str, event: EventType | None, meaning: str, optional: bool = False) -> ConditionType:
        new = str.__new__(cls, word)
        new._value_, new.event, new.meaning, new.optional = word, event, meaning, optional
        return new

    # fmt: off
    ACCEPTED = "Accepted", None, "the spec can be planned"
    RECONCILING = "Reconciling", None, "something is at work or about to be"
    STALLED = "Stalled", "Warning", "a person has to do something"
    READY = "Ready", None, "all was listed and covered"
    COMPLETE = "Complete", "Normal", "the same as `Ready`, for `kubectl wait --for=condition=Complete`"
    FAILED = (
        "Failed", "Warning",
        "stalled, and nothing is left that could go on: `kubectl wait --for=condition=Failed`")
    SUSPENDED = "Suspended", None, "`spec.suspend` is set"
    SHARED_PASS = "SharedPass", "Warning", "another pipeline works on a pass that this one needs", True
    DRIFTED = "Drifted", "Warning", "items of a source changed or vanished since they were listed", True
    # fmt: on


class ConditionReason(StrEnum):
    """Reasons of conditions and of a stall."""

    topic: Topic
    recovery: Recovery
    meaning: str
    remedy: str
    """What to do; empty where nobody has to do anything."""

    def __new__(cls, word: str, topic: Topic, recovery: Recovery, meaning: str, remedy: str = "") -> ConditionReason:
        new = str.__new__(cls, word)
        new._value_, new.topic, new.recovery = word, topic, recovery
        new.meaning, new.remedy = meaning, remedy
        return new

    # fmt: off
    VALID = "Valid", Topic.NONE, Recovery.NOT_NEEDED, "the spec was accepted"
    SURVEYING = "Surveying", Topic.NONE, Recovery.NOT_NEEDED, "the survey looks at the sources and the store"
    PROGRESSING = "Progressing", Topic.NONE, Recovery.NOT_NEEDED, "stages are at work"
    IDLE = "Idle", Topic.NONE, Recovery.NOT_NEEDED, "nothing is to do now"
    GOING = "Going", Topic.NONE, Recovery.NOT_NEEDED, "nothing is stalled"
    NOT_FAILED = "NotFailed", Topic.NONE, Recovery.NOT_NEEDED, "nothing is stalled, or something can go on"
    RUNNING = "Running", Topic.NONE, Recovery.NOT_NEEDED, "`spec.suspend` is not set"
    SUSPENDED = "Suspended", Topic.NONE, Recovery.NOT_NEEDED, "`spec.suspend` is set"
    COMPLETE = "Complete", Topic.NONE, Recovery.NOT_NEEDED, "everything was listed and covered"

    UNSCHEDULABLE = (
        "Unschedulable", Topic.PODS, Recovery.BY_ITSELF, "no node fits; the scheduler's own words follow",
        "wait for a node, or change `resources`, `gpu.products`, `nodeSelector` or `tolerations` of the stage")
    SCHEDULING_GATED = (
        "SchedulingGated", Topic.PODS, Recovery.BY_ITSELF, "something holds the pod back before the scheduler sees it",
        "ask whoever set the scheduling gate; `kubectl describe pod` names it")
    IMAGE_PULL = (
        "ImagePull", Topic.PODS, Recovery.BY_ITSELF, "the image is not there, or may not be pulled",
        "correct `image`, or name `imagePullSecrets`")
    SECRET_MISSING = (
        "SecretMissing", Topic.PODS, Recovery.BY_ITSELF,
        "the Secret with the credentials, or a key of it, is not in the namespace",
        "create it in the pipeline's namespace")
    POD_CONFIG = (
        "PodConfig", Topic.PODS, Recovery.BY_ITSELF, "the container cannot be created as configured",
        "do what the kubelet's words say; an image of your own has to run as a numeric user other than root")
    POD_STARTING = (
        "PodStarting", Topic.PODS, Recovery.BY_ITSELF, "a pod is about to start for more than a minute",
        "wait; `kubectl describe pod` tells what it waits for")
    NO_PODS = (
        "NoPods", Topic.PODS, Recovery.BY_ITSELF, "the Job can create no pod",
        "change the quota, the admission policy or the service account that the Job controller names")
    BACK_OFF = (
        "BackOff", Topic.PODS, Recovery.BY_ITSELF, "pods failed, and the next one waits for its turn",
        "look at the logs of the pods that failed")
    JOB_REFUSED = (
        "JobRefused", Topic.PODS, Recovery.BY_ITSELF, "the Job itself is refused",
        "change the quota or policy that the API server names")
    NAMESPACE_ENDING = (
        "NamespaceEnding", Topic.PODS, Recovery.BY_ITSELF, "the namespace is being deleted",
        "nothing; the data stays")

    SHARED_PASS = (
        "SharedPass", Topic.OTHERS, Recovery.BY_ITSELF, "another pipeline works on the pass",
        "nothing; `reelmill abandon` gives the pass up if the other pipeline will never finish it")
    OTHER_PIPELINE = (
        "OtherPipeline", Topic.OTHERS, Recovery.BY_ITSELF,
        "the reason of the condition `SharedPass`", "as for `SharedPass`")
    REMOVING = (
        "Removing", Topic.OTHERS, Recovery.BY_ITSELF, "a deleted pipeline's data is being removed",
        "wait, or set `spec.onDelete` to `Keep` to let the resource go at once")
    SOURCE_CHANGED = (
        "SourceChanged", Topic.OTHERS, Recovery.EDIT,
        "objects of a source were replaced or deleted after they were listed",
        "nothing, or a new value of the source's `epoch` to begin anew with what is there now")

    SPEC_INVALID = (
        "SpecInvalid", Topic.INPUT, Recovery.EDIT, "the spec says something that cannot be",
        "edit it; `reelmill validate` names the line")
    SPEC_ERROR = (
        "SpecError", Topic.INPUT, Recovery.RETRY,
        "a step found something wrong that only it could see: a file, a label, a parameter",
        "do what its hint says")
    EARLY_ABORT = (
        "EarlyAbort", Topic.INPUT, Recovery.RETRY, "the first items all failed in one class",
        "look at the ledger and remove what makes them fail, or filter such items in the source")
    TOLERANCE_EXCEEDED = (
        "ToleranceExceeded", Topic.INPUT, Recovery.RETRY, "more items failed than `failures.tolerate` allows",
        "look at the ledger, then retry what failed or raise `failures.tolerate`")

    STORE_ERROR = (
        "StoreError", Topic.STORE, Recovery.RETRY, "the store or a source cannot be used as configured",
        "correct the Secret, the policy or `endpoint`")
    NOT_FOUND = (
        "NotFound", Topic.STORE, Recovery.RETRY, "a bucket, folder or object that must be there is not",
        "create it, or correct the URI")
    STORE_UNSAFE = (
        "StoreUnsafe", Topic.STORE, Recovery.EDIT, "the store lets two conditional writers win",
        "use another store, or the store without the gateway in front of it")
    PRECONDITION_FAILED = (
        "PreconditionFailed", Topic.STORE, Recovery.RETRY, "a conditional write lost, again and again",
        "find what else writes below `_reelmill/`")
    UNREACHABLE = (
        "Unreachable", Topic.STORE, Recovery.RETRY, "an endpoint gives no answer at all",
        "check host, port and network policies from a pod of the namespace")
    DISK_FULL = (
        "DiskFull", Topic.STORE, Recovery.RETRY, "the store or a scratch folder has no room",
        "make room, or give the stage a larger `scratch`")
    TRANSIENT_ERROR = (
        "TransientError", Topic.STORE, Recovery.RETRY, "a server was in the way at every try",
        "repair the server or the network")

    STALE_PLAN = (
        "StalePlan", Topic.STEPS, Recovery.RETRY, "a pass was opened otherwise than is asked for now",
        "bring everything that works on the store to one release, or abandon the pass")
    OUT_OF_MEMORY = (
        "OutOfMemory", Topic.STEPS, Recovery.EDIT, "a step was killed for its memory",
        "raise the stage's `resources.limits.memory`, or lower `workers`")
    STEP_FAILED = (
        "StepFailed", Topic.STEPS, Recovery.RETRY, "a step failed and left no word",
        "look at the logs of its pods")
    SURVEY_FAILED = (
        "SurveyFailed", Topic.STEPS, Recovery.RETRY, "the survey failed and left no word",
        "look at the logs of the survey while its pod is there")
    NO_REPORT = (
        "NoReport", Topic.STEPS, Recovery.RETRY, "a survey went well and left no word",
        "leave `terminationMessagePath` of the pods alone; a policy may rewrite it")
    # fmt: on


class EventReason(StrEnum):
    """Reasons of events that are about no condition."""

    type: EventType
    recovery: Recovery
    meaning: str
    remedy: str

    def __new__(cls, word: str, type_: EventType, recovery: Recovery, meaning: str, remedy: str = "") -> EventReason:
        new = str.__new__(cls, word)
        new._value_, new.type, new.recovery, new.meaning, new.remedy = word, type_, recovery, meaning, remedy
        return new

    # fmt: off
    PASS_CLOSED = "PassClosed", "Normal", Recovery.NOT_NEEDED, "a stage closed a segment; with its counts"
    SHARDS_RETRIED = (
        "ShardsRetried", "Warning", Recovery.BY_ITSELF, "undone shards are tried again",
        "nothing, unless it repeats; the logs of those shards tell why")
    DATA_REMOVED = "DataRemoved", "Normal", Recovery.NOT_NEEDED, "a deleted pipeline's data is gone"
    DATA_KEPT = (
        "DataKept", "Warning", Recovery.NOT_NEEDED, "a deleted pipeline's data stays",
        "`reelmill prune` on a pipeline file with the same store removes what nobody claims")
    # fmt: on


def declared(word: str) -> ConditionReason | EventReason | None:
    """The declaration of a reason; None for a word of others, such as the kubelet's."""
    return next((reason for kind in (ConditionReason, EventReason) for reason in kind if reason == word), None)
