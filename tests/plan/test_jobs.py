"""Each step as one Indexed Job: names, policy, placement, security, credentials by reference."""

from typing import Any

import pytest
from pydantic import ValidationError

from plan.made_jobs import CLIPS, container, jobs, pod
from reelmill.contract.spec.pipeline import SourceSpec
from reelmill.contract.spec.placement import GpuRequest
from reelmill.contract.task import Step, Task
from reelmill.plan import CreateJob, Snapshot, reconcile
from reelmill.plan.jobs.names import job_name
from reelmill.plan.jobs.placement import amount
from simulated_cluster import SimulatedCluster, pipeline
from symbolic_stages import SymbolicStore


def test_names_fit_a_hostname_and_differ_by_run() -> None:
    names = [job_name("p" * 63, "s" * 40, "0123456789", Step.SHARDS, run, 100_000) for run in (1, 99, 123456)]
    assert all(len(f"{name}-99999") <= 63 for name in names)
    assert len(set(names)) == 3
    assert job_name("demo", "clips", "0123456789", Step.OPEN, 7, 1) == "demo-clips-0123456789-o7"
    assert "--" not in job_name("a-" * 30 + "a", "b-" * 19 + "b", "0123456789", Step.COMMIT, 1, 2000)


def test_a_jobs_policy_is_the_exit_code_contract() -> None:
    spec = jobs({"failures": {"retriesPerShard": 5}})["shards"]["spec"]
    assert spec["completionMode"] == "Indexed"
    assert (spec["completions"], spec["parallelism"]) == (4, 3)
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (5, 3)
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["suspend"] is False
    assert "backoffLimit" not in spec
    ignore, fail_job, fail_index = spec["podFailurePolicy"]["rules"]
    assert ignore == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert (fail_job["action"], fail_job["onExitCodes"]["values"]) == ("FailJob", [64, 76])
    assert (fail_index["action"], fail_index["onExitCodes"]["values"]) == ("FailIndex", [65])


def test_control_steps_have_one_completion_and_control_resources_never_a_gpu() -> None:
    made = jobs({"gpu": {"count": 1}, "resources": {"requests": {"cpu": "4"}}, "nodeSelector": {"pool": "gpu"}})
    for step in ("survey", "open", "commit"):
        job = made[step]
        assert job["spec"]["completions"] == 1
        assert container(job)["resources"]["requests"] == {"cpu": "500m", "memory": "512Mi"}
        assert "nodeSelector" not in pod(job)
        assert "affinity" not in pod(job)
    assert container(made["shards"])["resources"] == {"requests": {"cpu": "4"}, "limits": {"nvidia.com/gpu": "1"}}


def test_pods_meet_the_restricted_standard() -> None:
    for job in jobs({}).values():
        assert pod(job)["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert container(job)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod(job)["automountServiceAccountToken"] is False
        assert pod(job)["restartPolicy"] == "Never"
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod(job))
        assert {next(iter(set(volume) - {"name"})) for volume in pod(job)["volumes"]} <= {"emptyDir", "secret"}


def test_owner_labels_and_no_ttl() -> None:
    made = SimulatedCluster(pipeline([CLIPS]), SymbolicStore())
    plan = made.plan()
    (action,) = plan.actions
    assert isinstance(action, CreateJob)
    job = action.job
    assert job["metadata"]["namespace"] == "team"
    (owner,) = job["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "reelmill.dev/v1alpha1", "kind": "VideoPipeline", "name": "demo", "uid": "uid-1",
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    assert job["metadata"]["labels"]["reelmill.dev/run"] == "1"
    assert job["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "reelmill"
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert job["metadata"]["labels"].items() <= job["spec"]["template"]["metadata"]["labels"].items()


def test_a_step_is_told_how_web_servers_are_read() -> None:
    web = {"allowedHosts": ["*.example.org"], "privateServers": ["http://a:8000"], "delay": "1m30s", "parallel": 2}
    plain = {"name": "raw", "table": {"uri": "s3://in/urls.txt"}}
    for source in (plain, {**plain, "web": web}):
        env = {each["name"]: each for each in container(jobs({}, sources=[source])["shards"])["env"]}
        (told,) = Task.model_validate_json(env["REELMILL_TASK"]["value"]).sources
        if told.web is None:
            assert "web" not in source
            assert '"web"' not in env["REELMILL_TASK"]["value"]
        else:
            assert (told.web.delay, told.web.timeout, told.web.parallel) == (90.0, 60.0, 2)
            assert told.web.private_servers == ("http://a:8000",)


@pytest.mark.parametrize(
    "web",
    [
        {"privateServers": ["http://a/path"]},
        {"privateServers": ["ftp://a"]},
        {"allowedHosts": ["https://a"]},
        {"parallel": 0},
    ],
    ids=str,
)
def test_a_server_or_host_that_is_none_is_refused(web: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="web"):
        SourceSpec.model_validate({"name": "raw", "table": {"uri": "s3://in/urls.txt"}, "web": web})


def test_gpu_products_memory_and_spot_become_affinity_and_tolerations() -> None:
    gpu = {
        "count": 2,
        "products": ["NVIDIA-L4"],
        "minMemory": "20Gi",
        "spot": True,
        "resource": "nvidia.com/mig-1g.10gb",
    }
    zone = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [zone, {}]}}}
    job = jobs({"gpu": gpu, "affinity": affinity})["shards"]
    assert container(job)["resources"]["limits"] == {"nvidia.com/mig-1g.10gb": "2"}
    required = pod(job)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    gpu_terms = [
        {"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-L4"]},
        {"key": "nvidia.com/gpu.memory", "operator": "Gt", "values": ["20479"]},
    ]
    first, second = required["nodeSelectorTerms"]
    assert first["matchExpressions"] == [*zone["matchExpressions"], *gpu_terms]
    assert second["matchExpressions"] == gpu_terms
    keys = [toleration["key"] for toleration in pod(job)["tolerations"]]
    assert keys[0] == "nvidia.com/gpu"
    assert "cloud.google.com/gke-spot" in keys


def test_044_f03_pods_that_decode_av1_go_to_gpus_that_do_and_to_no_a100_or_h100() -> None:
    zones = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]} for zone in "ab"]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": zones}}}
    job = jobs({"gpu": {"decodes": ["av1"], "minMemory": "20Gi"}, "affinity": affinity})["shards"]
    terms = pod(job)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]

    def fits(labels: dict[str, str]) -> bool:
        """What a scheduler does: all expressions of one term."""
        return any(
            all(
                int(labels[one["key"]]) > int(one["values"][0])
                if one["operator"] == "Gt"
                else labels.get(one["key"]) in one["values"]
                for one in term["matchExpressions"]
            )
            for term in terms
        )

    def node(capability: str, zone: str = "a", memory: int = 24000) -> dict[str, str]:
        major, minor = capability.split(".")
        compute = {"nvidia.com/gpu.compute.major": major, "nvidia.com/gpu.compute.minor": minor}
        return {"zone": zone, "nvidia.com/gpu.memory": str(memory), **compute}

    assert [one for one in ("7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0") if fits(node(one))] == [
        "8.6", "8.9", "10.0", "12.0",
    ]  # fmt: skip
    assert fits(node("8.9", "b"))
    assert not fits(node("8.9", "c"))
    assert not fits(node("8.9", memory=16000))


def test_044_f03_a_product_without_a_decoder_for_the_codec_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="NVIDIA-A100-SXM4-80GB has no decoder for av1: remove it from products"):
        GpuRequest.model_validate({"products": ["NVIDIA-L4", "NVIDIA-A100-SXM4-80GB"], "decodes": ["h264", "av1"]})
    assert GpuRequest.model_validate({"products": ["NVIDIA-L4", "OTHER-1"], "decodes": ["av1"]}).decodes == ["av1"]
    assert GpuRequest.model_validate({"products": ["NVIDIA-A100-SXM4-80GB"]}).model_dump(by_alias=True) == {
        "count": 1, "resource": "nvidia.com/gpu", "products": ["NVIDIA-A100-SXM4-80GB"], "minMemory": None,
        "spot": False,
    }  # fmt: skip


def test_defaults_are_a_stages_starting_point() -> None:
    defaults = {
        "nodeSelector": {"pool": "video", "zone": "a"},
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        "image": "base:1",
        "tolerations": [{"key": "x", "operator": "Exists"}],
        "serviceAccountName": "reader",
        "imagePullSecrets": [{"name": "pull"}],
        "scratch": "50Gi",
        "priorityClassName": "low",
        "runtimeClassName": "nvidia",
        "resourceClaims": [{"name": "dev", "resourceClaimTemplateName": "l4"}],
    }
    own = {
        "nodeSelector": {"zone": "b"},
        "env": [{"name": "B", "secretRef": {"name": "s"}, "key": "k"}],
        "image": "own:2",
        "tolerations": [],
    }
    job = jobs(own, defaults=defaults)["shards"]
    assert pod(job)["nodeSelector"] == {"pool": "video", "zone": "b"}
    assert container(job)["image"] == "own:2"
    assert "tolerations" not in pod(job)
    env = {variable["name"]: variable for variable in container(job)["env"]}
    assert env["A"]["value"] == "1"
    assert env["B"]["valueFrom"]["secretKeyRef"] == {"name": "s", "key": "k"}
    assert pod(job)["volumes"][0] == {"name": "scratch", "emptyDir": {"sizeLimit": "50Gi"}}
    assert pod(job)["serviceAccountName"] == "reader"
    assert pod(job)["imagePullSecrets"] == [{"name": "pull"}]
    assert (pod(job)["priorityClassName"], pod(job)["runtimeClassName"]) == ("low", "nvidia")
    assert pod(job)["resourceClaims"] == [{"name": "dev", "resourceClaimTemplateName": "l4"}]
    assert container(job)["resources"]["claims"] == [{"name": "dev"}]


@pytest.mark.parametrize(
    ("resources", "workers"),
    [
        ({}, 0),
        ({"requests": {"cpu": "4"}}, 4),
        ({"requests": {"cpu": "4"}, "limits": {"cpu": "2500m"}}, 2),
        ({"requests": {"cpu": "200m"}}, 1),
    ],
)
def test_workers_follow_the_cpus_that_a_pod_asks_for(resources: dict[str, Any], workers: int) -> None:
    made = SimulatedCluster(
        pipeline([CLIPS | {"resources": resources, "failures": {"itemTimeout": "2m"}}]),
        SymbolicStore(bucket={"raw": ["v"]}),
    )
    made.settle()
    (name,) = [name for name in made.created if name.rsplit("-", 1)[1][0] == "s"]
    assert made.task(name).limits.workers == workers
    assert made.task(name).limits.item_timeout == 120


def test_memory_is_limited_to_what_it_requests() -> None:
    job = jobs({"resources": {"requests": {"cpu": "4", "memory": "8Gi"}}})["shards"]
    assert container(job)["resources"]["limits"] == {"memory": "8Gi"}


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("4", 4), ("8Gi", 8 * 2**30), ("1k", 1000), ("1.5M", 1.5e6)]
)
def test_quantities(text: str, number: float) -> None:
    assert float(amount(text)) == number


def test_foreign_jobs_and_other_objects_are_ignored() -> None:
    made = SimulatedCluster(pipeline([CLIPS]), SymbolicStore())
    strange: list[dict[str, Any]] = [
        {},
        {"metadata": {}},
        {"metadata": {"name": "x", "labels": {"reelmill.dev/uid": "other"}}},
        {"metadata": {"name": "y", "labels": {"reelmill.dev/uid": "uid-1", "reelmill.dev/step": "dance"}}},
        {"metadata": {"name": "z", "labels": {"reelmill.dev/uid": "uid-1", "reelmill.dev/step": "open"}}},
        {
            "metadata": {
                "name": "w",
                "labels": {"reelmill.dev/uid": "uid-1", "reelmill.dev/step": "shards", "reelmill.dev/run": "1"},
                "annotations": {"reelmill.dev/shards": "1-x"},
            }
        },
    ]
    plan = reconcile(Snapshot(pipeline=made.pipeline, uid="uid-1", jobs=strange), made.now)
    assert [type(action) for action in plan.actions] == [CreateJob]
