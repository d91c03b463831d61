"""`why` in one paragraph: the cause first, with what to do; nothing that merely follows from it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from cli.cluster_cases import at, condition, counts, job, pod, seen, stage, work
from reelmill.cli.cluster.explanation import why

STALL = {"reason": "StoreError", "message": "the bucket out does not exist", "hint": "create it", "exit": 64}
PENDING = pod(
    phase="Pending",
    spec={
        "containers": [
            {"name": "reelmill", "resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "4"}}}
        ],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-L4"]}
                            ]
                        }
                    ]
                }
            }
        },
    },
)


@dataclass
class Case:
    says: str
    conditions: list[dict[str, Any]]
    stage: str = ""
    view: dict[str, Any] = field(default_factory=dict)


RUNNING = condition("Reconciling", reason="Progressing", message="at work: clips")
AT_WORK = stage("clips", "running", **{"pass": work(done=4, active=6)})
LOST = {"totals": counts(90, 10), "reasons": {"failed:decode_timeout": 8, "failed:too_short": 2}}

CASES = {
    "no operator": Case(
        "No operator has processed demo since it was created 1h 00m ago. Check that one is running and watches this "
        "namespace: `kubectl get pods -A -l app.kubernetes.io/component=operator`.",
        [],
    ),
    "deleted": Case(
        "demo was deleted 2m 00s ago and is waiting for example.com/hold.",
        [condition("Complete")],
        view={"metadata": {"deletionTimestamp": at(2), "finalizers": ["example.com/hold"]}},
    ),
    "a spec that is refused": Case(
        "The spec was not accepted: clips reads itself. Nothing starts until it is corrected.",
        [condition("Accepted", holds=False, reason="SpecInvalid", message="clips reads itself")],
    ),
    "suspended": Case(
        "It is suspended (spec.suspend is true); no pod runs until you run `reelmill resume demo`. The open pass of "
        "clips will continue from its committed shards.",
        [condition("Suspended")],
        view={"clips": AT_WORK},
    ),
    "complete": Case(
        "It has been complete for 5m 00s: every source is listed, and every stage has processed its inputs.",
        [condition("Complete")],
    ),
    "complete with losses": Case(
        "It has been complete for 5m 00s: every source is listed, and every stage has processed its inputs. Within the "
        "tolerance: clips, 10 failed (decode_timeout 8, too_short 2). `reelmill ledger demo --outcome failed` lists "
        "them.",
        [condition("Complete")],
        view={"clips": stage("clips", "done", **LOST), "status": {"failed": 10}},
    ),
    "the survey cannot continue": Case(
        "The survey cannot continue (StoreError): the bucket out does not exist. Create it. After fixing the cause, "
        "run `reelmill retry demo` or edit the spec.",
        [condition("Stalled", reason="StoreError"), condition("Failed", reason="StoreError")],
        view={"status": {"stall": STALL}},
    ),
    "a stage cannot continue": Case(
        "Stage clips cannot continue (StoreError): the bucket out does not exist. Create it. 1 pod failed: 1 "
        "OOMKilled. The last log message of shard 5: no room for frame 12. samples waits for it. After fixing the "
        "cause, run `reelmill retry demo --stage clips` or edit the spec.",
        [condition("Stalled", reason="StoreError"), condition("Failed", reason="StoreError")],
        view={
            "clips": stage("clips", "stalled", stall=STALL),
            "jobs": [job()],
            "pods": [pod(1)],
            "logs": {"demo-clips-x-1-abcde": ['{"level": "error", "msg": "no room for frame 12"}', '{"msg": "bye"}']},
        },
    ),
    "a step that was killed for its memory": Case(
        "Stage clips cannot continue (OutOfMemory): pod clips-0: OOMKilled, exit code 137. Raise the stage's "
        "`resources.limits.memory` or `resources.memoryMax`, or lower `workers`. samples waits for it. Edit the "
        "spec to continue; a retry alone does not help.",
        [condition("Stalled", reason="OutOfMemory"), condition("Failed", reason="OutOfMemory")],
        view={
            "clips": stage(
                "clips",
                "stalled",
                stall={"reason": "OutOfMemory", "message": "pod clips-0: OOMKilled, exit code 137"},
            )
        },
    ),
    "over the tolerance": Case(
        "clips: 10 of 100 items failed, more than the tolerance of 0 (0). `reelmill ledger demo --outcome failed` "
        "lists the failures; `reelmill retry demo` retries them. Mostly decode_timeout: no result within "
        "`failures.itemTimeout`; raise `itemTimeout`, or retry (a retry helps: yes).",
        [
            condition(
                "Stalled",
                reason="ToleranceExceeded",
                message="clips: 10 of 100 items failed, more than the tolerance of 0 (0)",
            ),
            condition("Failed", reason="ToleranceExceeded"),
        ],
        view={"clips": stage("clips", "done", **LOST)},
    ),
    "no node": Case(
        "No node fits the pods of clips: 0/3 nodes are available. Each requests cpu 4, nvidia.com/gpu 1 on nodes with "
        "nvidia.com/gpu.product In (NVIDIA-L4). Wait for a node, or change `resources`, `gpu.products`, `nodeSelector` "
        "or `tolerations` of the stage.",
        [condition("Reconciling", reason="Unschedulable", message="clips: 0/3 nodes are available")],
        view={"clips": stage("clips", "queued", **{"pass": work()}), "jobs": [job()], "pods": [PENDING]},
    ),
    "no node with any of some GPUs": Case(
        "No node fits the pods of clips: 0/3 nodes are available. Each requests nvidia.com/gpu 1 on nodes with "
        "pool=gpu and either major In (8) and minor In (6, 9), or major In (10) and Exists minor. Wait for a node, or "
        "change `resources`, `gpu.products`, `nodeSelector` or `tolerations` of the stage.",
        [condition("Reconciling", reason="Unschedulable", message="clips: 0/3 nodes are available")],
        view={
            "clips": stage("clips", "queued", **{"pass": work()}),
            "jobs": [job()],
            "pods": [
                pod(
                    phase="Pending",
                    spec={
                        "containers": [{"name": "reelmill", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
                        "nodeSelector": {"pool": "gpu"},
                        "affinity": {
                            "nodeAffinity": {
                                "requiredDuringSchedulingIgnoredDuringExecution": {
                                    "nodeSelectorTerms": [
                                        {
                                            "matchExpressions": [
                                                {"key": "major", "operator": "In", "values": ["8"]},
                                                {"key": "minor", "operator": "In", "values": ["6", "9"]},
                                            ]
                                        },
                                        {
                                            "matchExpressions": [
                                                {"key": "major", "operator": "In", "values": ["10"]},
                                                {"key": "minor", "operator": "Exists"},
                                            ]
                                        },
                                    ]
                                }
                            }
                        },
                    },
                )
            ],
        },
    ),
    "no pods": Case(
        "clips is blocked (NoPods): no pod could be created. The last warning of the cluster: exceeded quota: none. "
        "Change the quota, admission policy or service account that the Job controller names. Work continues by itself "
        "once the cause is fixed.",
        [condition("Reconciling", reason="NoPods", message="clips: no pod could be created")],
        view={
            "clips": stage("clips", "queued", **{"pass": work()}),
            "jobs": [job()],
            "events": [
                {"type": "Warning", "involvedObject": {"name": "demo-clips-x"}, "message": "exceeded quota:  none"},
                {"type": "Normal", "involvedObject": {"name": "demo-clips-x"}, "message": "fine"},
            ],
        },
    ),
    "an image that is not there": Case(
        "clips is blocked (ImagePull): nowhere/x: ErrImagePull. Correct `image`, or set `imagePullSecrets`. "
        "Work continues by itself once the cause is fixed.",
        [condition("Reconciling", reason="ImagePull", message="clips: nowhere/x: ErrImagePull")],
        view={"clips": stage("clips", "queued", **{"pass": work()})},
    ),
    "at work": Case(
        "Nothing is wrong: clips has done 4 of 10 shards with 6 pods running, started 10m 00s ago, about 15m 00s left.",
        [RUNNING],
        view={"clips": AT_WORK},
    ),
    "at work after losses of pods": Case(
        "Nothing is wrong: clips has done 4 of 10 shards with 6 pods running, started 10m 00s ago, about 15m 00s left. "
        "This is attempt 2; shards that failed: 5. 2 pods failed: 2 OOMKilled.",
        [RUNNING],
        view={
            "clips": stage("clips", "running", **{"pass": work(done=4, active=6, attempt=2, failed="5")}),
            "pods": [pod(1), pod(2)],
        },
    ),
    "a queue": Case(
        "Nothing is wrong: clips has done 0 of 10 shards, started 10m 00s ago. Its Job is waiting for admission by "
        "the queue research.",
        [RUNNING],
        view={
            "clips": stage("clips", "queued", **{"pass": work()}),
            "jobs": [job(suspend=True)],
            "spec": {"queue": {"name": "research"}},
        },
    ),
    "a limit": Case(
        "samples has done 0 of 10 shards, started 10m 00s ago. It is waiting for clips, because "
        "limits.maxActiveStages is 1.",
        [RUNNING],
        stage="samples",
        view={
            "clips": AT_WORK,
            "samples": stage("samples", "queued", **{"pass": work()}),
            "spec": {"limits": {"maxActiveStages": 1}},
        },
    ),
    "another pipeline": Case(
        "Another pipeline is working on the open pass of clips; this one takes over if the other sends no heartbeat "
        "for ten minutes.",
        [condition("Reconciling", reason="SharedPass", message="waiting")],
        view={"clips": stage("clips", "shared", found=1)},
    ),
    "a stage that waits": Case(
        "samples is waiting for clips. clips has done 4 of 10 shards with 6 pods running, started 10m 00s ago, about "
        "15m 00s left.",
        [RUNNING],
        stage="samples",
        view={"clips": AT_WORK},
    ),
    "a stage behind a closed gate": Case(
        "samples is waiting: over tolerance: clips. `reelmill ledger demo --outcome failed` lists the failures.",
        [condition("Stalled", reason="ToleranceExceeded")],
        stage="samples",
        view={"samples": stage("samples", message="over tolerance: clips")},
    ),
    "a finished stage": Case(
        "clips has processed all of its inputs (done), 10 failed (decode_timeout 8, too_short 2).",
        [RUNNING],
        stage="clips",
        view={"clips": stage("clips", "done", **LOST)},
    ),
    "drift": Case(
        "It has been complete for 5m 00s: every source is listed, and every stage has processed its inputs. Also, "
        "items changed (raw: 3); a new epoch takes them up.",
        [condition("Complete"), condition("Drifted", message="items changed (raw: 3); a new epoch takes them up")],
    ),
    "damage": Case(
        "It has been complete for 5m 00s: every source is listed, and every stage has processed its inputs. The "
        "store is also not verified: at noon, 2 of 9 objects are damaged: a, b. `reelmill check demo --deep` lists all "
        "damage; `reelmill repair demo` rebuilds what it can.",
        [
            condition("Complete"),
            condition(
                "StoreVerified",
                holds=False,
                reason="StoreDamaged",
                message="at noon, 2 of 9 objects are damaged: a, b",
            ),
        ],
    ),
    "a store that is not verified yet": Case(
        "It has been complete for 5m 00s: every source is listed, and every stage has processed its inputs.",
        [condition("Complete"), condition("StoreVerified", holds=False, reason="NotVerified")],
    ),
    "surveying": Case(
        "Nothing is wrong: the survey is reading the sources and the store.",
        [condition("Reconciling", reason="Surveying", message="looking")],
    ),
}


def say(verb: str, rest: str = "") -> str:
    return " ".join(filter(None, ("reelmill", verb, "demo", rest)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_why_in_one_paragraph(case: Case) -> None:
    assert why(seen(case.conditions, **case.view), say, case.stage) == case.says


def test_an_edit_that_nobody_saw_is_reported_first() -> None:
    explanation = why(seen([condition("Complete")], metadata={"generation": 7}), say)
    assert explanation.startswith("No operator has processed demo since it was edited.")
