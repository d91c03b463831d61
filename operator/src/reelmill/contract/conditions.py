"""Condition types, their reasons, and event reasons: the words about a pipeline that programs may rely on.

Each word is declared only here, with its meaning, a remedy, and whether a retry can help. The status reference, the
failure handbook, `reelmill why` and the metrics are generated from these declarations. The stored words never change.

A reason of `Stalled` may be an undeclared word: the kubelet's reason for a pod (`Evicted`), or the name of an
unexpected exception.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

EventType = Literal["Normal", "Warning"]


class Recovery(StrEnum):
    """What has to happen before work continues, and therefore whether a retry can help."""

    NOT_NEEDED = ""
    BY_ITSELF = "not needed: it continues by itself"
    RETRY = "yes, once the cause is removed"
    EDIT = "no: edit the spec"


class Topic(StrEnum):
    """Topics of reasons, which are the chapters of the failure handbook."""

    NONE = ""
    PODS = "Pods do not run"
    OTHERS = "Waiting for others"
    INPUT = "Stalled: the input"
    STORE = "Stalled: the store"
    STEPS = "Stalled: the steps"


class ConditionType(StrEnum):
    """The conditions of a pipeline, following the rules of kstatus."""

    meaning: str
    """Meaning of the status True."""
    event: EventType | None
    """Type of the event that is emitted when it becomes True; None: no event."""
    optional: bool
    """Whether it is shown only after it was True once."""

    def __new__(cls, word: str, event: EventType | None, meaning: str, optional: bool = False) -> ConditionType:
        new = str.__new__(cls, word)
        new._value_, new.event, new.meaning, new.optional = word, event, meaning, optional
        return new

    # fmt: off
    ACCEPTED = "Accepted", None, "the spec is valid"
    RECONCILING = "Reconciling", None, "work is running or about to start"
    STALLED = "Stalled", "Warning", "something needs your attention"
    READY = "Ready", None, "all sources are listed and all input is covered"
    COMPLETE = "Complete", "Normal", "the same as `Ready`, for `kubectl wait --for=condition=Complete`"
    FAILED = (
        "Failed", "Warning",
        "the pipeline is stalled and nothing else can run, for `kubectl wait --for=condition=Failed`")
    SUSPENDED = "Suspended", None, "`spec.suspend` is set, or a spending limit is reached"
    SHARED_PASS = "SharedPass", "Warning", "another pipeline works on a pass that this one needs", True
    DRIFTED = "Drifted", "Warning", "items of a source changed or disappeared after they were listed", True
    OUTDATED_DEFINITION = (
        "OutdatedDefinition", "Warning",
        "the CustomResourceDefinition in the cluster is older than the operator", True)
    STORE_VERIFIED = (
        "StoreVerified", None,
        "the last verification found every object as it was committed; with `spec.verify` only")
    # fmt: on


class ConditionReason(StrEnum):
    """Reasons of conditions and of a stall."""

    topic: Topic
    recovery: Recovery
    meaning: str
    remedy: str
    """What to do; empty if nothing needs to be done."""

    def __new__(cls, word: str, topic: Topic, recovery: Recovery, meaning: str, remedy: str = "") -> ConditionReason:
        new = str.__new__(cls, word)
        new._value_, new.topic, new.recovery = word, topic, recovery
        new.meaning, new.remedy = meaning, remedy
        return new

    # fmt: off
    VALID = "Valid", Topic.NONE, Recovery.NOT_NEEDED, "the spec was accepted"
    SURVEYING = "Surveying", Topic.NONE, Recovery.NOT_NEEDED, "the survey checks the sources and the store"
    PROGRESSING = "Progressing", Topic.NONE, Recovery.NOT_NEEDED, "stages are running"
    IDLE = "Idle", Topic.NONE, Recovery.NOT_NEEDED, "there is nothing to do"
    GOING = "Going", Topic.NONE, Recovery.NOT_NEEDED, "nothing is stalled"
    NOT_FAILED = "NotFailed", Topic.NONE, Recovery.NOT_NEEDED, "nothing is stalled, or some work can continue"
    RUNNING = "Running", Topic.NONE, Recovery.NOT_NEEDED, "`spec.suspend` is not set"
    SUSPENDED = "Suspended", Topic.NONE, Recovery.NOT_NEEDED, "`spec.suspend` is set"
    LIMIT_REACHED = (
        "LimitReached", Topic.OTHERS, Recovery.EDIT,
        "the pods have used what `spec.limits` allows; they save their progress and stop, and no more are started",
        "raise `spec.limits.podHours` or `cost` to continue")
    PRICES_MISSING = (
        "PricesMissing", Topic.OTHERS, Recovery.EDIT,
        "`spec.limits.cost` is set, but the operator does not know what a pod costs",
        "set `prices` in the operator's settings, or limit `podHours` instead")
    COMPLETE = "Complete", Topic.NONE, Recovery.NOT_NEEDED, "all sources are listed and all input is covered"
    VERIFIED = "Verified", Topic.NONE, Recovery.NOT_NEEDED, "every object matches what was committed"
    NOT_VERIFIED = "NotVerified", Topic.NONE, Recovery.NOT_NEEDED, "the first verification has not ended yet"

    UNSCHEDULABLE = (
        "Unschedulable", Topic.PODS, Recovery.BY_ITSELF, "no node fits; the message of the scheduler follows",
        "wait for a node, or change `resources`, `gpu.products`, `nodeSelector` or `tolerations` of the stage")
    SCHEDULING_GATED = (
        "SchedulingGated", Topic.PODS, Recovery.BY_ITSELF, "a scheduling gate holds the pod back",
        "find out what set the gate; `kubectl describe pod` names it")
    IMAGE_PULL = (
        "ImagePull", Topic.PODS, Recovery.BY_ITSELF, "the image does not exist or cannot be pulled",
        "correct `image`, or set `imagePullSecrets`")
    SECRET_MISSING = (
        "SecretMissing", Topic.PODS, Recovery.BY_ITSELF,
        "the Secret with the credentials, or one of its keys, does not exist in the namespace",
        "create it in the namespace of the pipeline")
    POD_CONFIG = (
        "PodConfig", Topic.PODS, Recovery.BY_ITSELF, "the container cannot be created as configured",
        "fix what the message of the kubelet names; your own image must run as a numeric user other than root")
    POD_STARTING = (
        "PodStarting", Topic.PODS, Recovery.BY_ITSELF, "a pod has been starting for more than a minute",
        "wait; `kubectl describe pod` shows what it is waiting for")
    NO_PODS = (
        "NoPods", Topic.PODS, Recovery.BY_ITSELF, "the Job cannot create pods",
        "change the quota, admission policy or service account that the Job controller names")
    BACK_OFF = (
        "BackOff", Topic.PODS, Recovery.BY_ITSELF, "pods failed, and Kubernetes waits before it starts the next one",
        "check the logs of the pods that failed")
    JOB_REFUSED = (
        "JobRefused", Topic.PODS, Recovery.BY_ITSELF, "the API server refuses the Job",
        "change the quota or policy that the API server names")
    LABELS_REMOVED = (
        "LabelsRemoved", Topic.PODS, Recovery.BY_ITSELF,
        "labels by which the operator watches its Jobs are removed or changed again and again",
        "exempt objects with the label app.kubernetes.io/managed-by=reelmill from the admission policy or webhook")
    NAMESPACE_ENDING = (
        "NamespaceEnding", Topic.PODS, Recovery.BY_ITSELF, "the namespace is being deleted",
        "nothing; the data is kept")

    SHARED_PASS = (
        "SharedPass", Topic.OTHERS, Recovery.BY_ITSELF, "another pipeline is working on the pass",
        "nothing; if the other pipeline will never finish the pass, run `reelmill abandon`")
    OTHER_PIPELINE = (
        "OtherPipeline", Topic.OTHERS, Recovery.BY_ITSELF,
        "the reason of the condition `SharedPass`", "as for `SharedPass`")
    REMOVING = (
        "Removing", Topic.OTHERS, Recovery.BY_ITSELF, "the data of a deleted pipeline is being removed",
        "wait, or set `spec.onDelete` to `Keep` to delete the resource without its data")
    SOURCE_CHANGED = (
        "SourceChanged", Topic.OTHERS, Recovery.EDIT,
        "objects of a source were replaced or deleted after they were listed",
        "nothing, or change the `epoch` of the source to process the current objects")

    FIELDS_DROPPED = (
        "FieldsDropped", Topic.OTHERS, Recovery.BY_ITSELF,
        "the API server drops fields of the status that its CustomResourceDefinition does not have",
        "apply the definition of the operator's release: `crd.yaml`, or `helm upgrade`")

    SPEC_INVALID = (
        "SpecInvalid", Topic.INPUT, Recovery.EDIT, "the spec is invalid",
        "edit the spec; `reelmill validate` shows the line")
    POLICY_VIOLATION = (
        "PolicyViolation", Topic.INPUT, Recovery.EDIT,
        "the spec requests something that the operator's policy does not allow",
        "change the field that the message names, or ask the administrator of the operator to allow it")
    SPEC_ERROR = (
        "SpecError", Topic.INPUT, Recovery.RETRY,
        "a step found an error that only it can detect, in a file, a label or a parameter",
        "follow the hint in the message")
    EARLY_ABORT = (
        "EarlyAbort", Topic.INPUT, Recovery.RETRY, "the first items of a shard all failed with the same reason",
        "check the ledger and remove the cause, or exclude such items in the source")
    TOLERANCE_EXCEEDED = (
        "ToleranceExceeded", Topic.INPUT, Recovery.RETRY,
        "more items failed than `failures.tolerate` allows, or every row of a source failed",
        "check the ledger, then retry the failed items, raise `failures.tolerate` or correct the source")

    STORE_ERROR = (
        "StoreError", Topic.STORE, Recovery.RETRY, "the store or a source cannot be used as configured",
        "correct the Secret, the policy or `endpoint`")
    NOT_FOUND = (
        "NotFound", Topic.STORE, Recovery.RETRY, "a required bucket, folder or object does not exist",
        "create it, or correct the URI")
    STORE_DAMAGED = (
        "StoreDamaged", Topic.STORE, Recovery.RETRY, "an object in the store differs from what was committed",
        "restore the object that the message names, or rebuild its data set with a new `rerun`")
    VERIFICATION_FAILED = (
        "VerificationFailed", Topic.STORE, Recovery.BY_ITSELF, "the verification of the data cannot be completed",
        "follow the message; it is retried at least every hour")
    STORE_UNSAFE = (
        "StoreUnsafe", Topic.STORE, Recovery.EDIT, "the store does not enforce conditional writes",
        "use another store, or bypass the gateway in front of it")
    RANGES_UNSUPPORTED = (
        "RangesUnsupported", Topic.STORE, Recovery.RETRY, "the store does not serve ranges of objects",
        "use a store that supports range requests, or bypass the gateway in front of it")
    SERVER_REFUSED = (
        "ServerRefused", Topic.STORE, Recovery.RETRY, "reading a file from its web server is not allowed",
        "add the server to `web.privateServers` or `web.allowedHosts` of the source, or copy the file to a bucket")
    KEY_REFUSED = (
        "KeyRefused", Topic.STORE, Recovery.RETRY, "the store does not accept the name of a file",
        "choose a store with a shorter prefix, or move the object or folder that has this name")
    PRECONDITION_FAILED = (
        "PreconditionFailed", Topic.STORE, Recovery.RETRY, "a conditional write failed repeatedly",
        "find out what else writes below `_reelmill/`")
    UNREACHABLE = (
        "Unreachable", Topic.STORE, Recovery.RETRY, "an endpoint does not answer",
        "check host, port and network policies from a pod of the namespace")
    DISK_FULL = (
        "DiskFull", Topic.STORE, Recovery.RETRY, "the store or a scratch folder is full",
        "free some space, or give the stage a larger `scratch`")
    TRANSIENT_ERROR = (
        "TransientError", Topic.STORE, Recovery.RETRY, "every attempt failed with a server or network error",
        "fix the server or the network")

    STALE_PLAN = (
        "StalePlan", Topic.STEPS, Recovery.RETRY, "a pass was opened with a different definition than the current one",
        "use one release of reelmill for the store, or abandon the pass")
    OUT_OF_MEMORY = (
        "OutOfMemory", Topic.STEPS, Recovery.EDIT, "a step was killed because it exceeded its memory limit",
        "raise the stage's `resources.limits.memory` or `resources.memoryMax`, or lower `workers`")
    EXHAUSTED = (
        "Exhausted", Topic.STEPS, Recovery.RETRY,
        "a step ran out of memory, open files or threads, even without an item",
        "raise the limit that the message names, or lower `workers`")
    STEP_FAILED = (
        "StepFailed", Topic.STEPS, Recovery.RETRY, "a step failed without a report",
        "check the logs of its pods")
    SURVEY_FAILED = (
        "SurveyFailed", Topic.STEPS, Recovery.RETRY, "the survey failed without a report",
        "check the log of the survey while its pod exists")
    NO_REPORT = (
        "NoReport", Topic.STEPS, Recovery.RETRY, "a survey succeeded without a report",
        "do not let a policy rewrite `terminationMessagePath` of the pods")
    # fmt: on


UNASKED: dict[ConditionReason, EventType] = {
    ConditionReason.LIMIT_REACHED: "Warning",
    ConditionReason.PRICES_MISSING: "Warning",
}
"""Reasons for which a pipeline is `Suspended` without a request, with the type of their event."""


class EventReason(StrEnum):
    """Reasons of events that do not belong to a condition."""

    type: EventType
    recovery: Recovery
    meaning: str
    remedy: str

    def __new__(cls, word: str, type_: EventType, recovery: Recovery, meaning: str, remedy: str = "") -> EventReason:
        new = str.__new__(cls, word)
        new._value_, new.type, new.recovery, new.meaning, new.remedy = word, type_, recovery, meaning, remedy
        return new

    # fmt: off
    PASS_CLOSED = "PassClosed", "Normal", Recovery.NOT_NEEDED, "a stage closed a segment; the message has its counts"
    SHARDS_RETRIED = (
        "ShardsRetried", "Warning", Recovery.BY_ITSELF, "uncommitted shards are retried",
        "nothing, unless it happens repeatedly; then check the logs of those shards")
    DAMAGE_FOUND = (
        "DamageFound", "Warning", Recovery.NOT_NEEDED, "a verification found damaged objects",
        "`reelmill check NAME --deep` lists them, and `reelmill repair NAME` rebuilds what it can")
    DATA_REMOVED = "DataRemoved", "Normal", Recovery.NOT_NEEDED, "the data of a deleted pipeline was deleted"
    DATA_KEPT = (
        "DataKept", "Warning", Recovery.NOT_NEEDED, "the data of a deleted pipeline was kept",
        "`reelmill prune` on a pipeline file with the same store deletes data that no pipeline claims")
    # fmt: on


def declared(word: str) -> ConditionReason | EventReason | None:
    """The declaration of a reason; None for other words, such as the kubelet's."""
    return next((reason for kind in (ConditionReason, EventReason) for reason in kind if reason == word), None)
