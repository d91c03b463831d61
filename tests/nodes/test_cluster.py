"""Two real nodes: what pods of the product rely on, tried with a shell."""

from pathlib import Path

import pytest

from cluster.client import ApiError, Client
from cluster.kwok import ready
from cluster.leftovers import cgroups, mounted
from cluster.nodes import Cluster
from cluster.pods import RESTRICTED, condition, ended, finished, job, pod, terminated

pytestmark = pytest.mark.nodes

JOB, POD, NODE = "batch/v1/Job", "v1/Pod", "v1/Node"
NODES = ("reel-cpu", "reel-gpu")
L4 = {"nvidia.com/gpu.product": "NVIDIA-L4"}


def run(client: Client, namespace: str, name: str, script: str, **more: object) -> dict[str, object]:
    """Run a pod to its end."""
    client.apply(pod(name, script, **more), namespace)
    return client.wait_for(POD, name, namespace, ended, 60)


def test_both_nodes_are_ready_and_one_has_gpus(cluster: Cluster) -> None:
    nodes = {node["metadata"]["name"]: node for node in cluster.client.list(NODE)}
    assert sorted(nodes) == sorted(NODES)
    assert all(ready(node) for node in nodes.values())
    assert nodes["reel-gpu"]["status"]["allocatable"]["nvidia.com/gpu"] == "4"
    assert "nvidia.com/gpu" not in nodes["reel-cpu"]["status"]["allocatable"]
    assert nodes["reel-gpu"]["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-L4"


@pytest.mark.parametrize("node", NODES)
def test_a_restricted_pod_runs_on_each_node(node: str, cluster: Cluster) -> None:
    script = (
        "id -u; grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/self/status; touch /x 2>&1; "
        "echo said-to-stderr >&2; printf '{\"items\": 3}' > /dev/termination-log"
    )
    client = cluster.client
    with client.namespace(labels=RESTRICTED) as namespace:
        done = run(client, namespace, "p", script, nodeSelector={"kubernetes.io/hostname": node})
        assert done["spec"]["nodeName"] == node
        assert done["status"]["phase"] == "Succeeded"
        assert terminated(done)["message"] == '{"items": 3}'
        log = client.logs("p", namespace)
        for words in ("65532", "NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "Read-only", "said-to-st"):
            assert words in log, log


def test_a_namespace_that_is_restricted_takes_no_other_pod(cluster: Cluster) -> None:
    document = pod("p", "true")
    document["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with cluster.client.namespace(labels=RESTRICTED) as namespace, pytest.raises(ApiError, match="PodSecurity"):
        cluster.client.apply(document, namespace)


def test_pods_find_each_other_by_name_across_nodes(cluster: Cluster, namespace: str) -> None:
    client = cluster.client
    web = "mkdir /tmp/www; echo from-the-service > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"
    document = pod("web", web, labels={"app": "web"}, nodeSelector={"kubernetes.io/hostname": "reel-cpu"})
    document["spec"]["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    document["spec"]["containers"][0]["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    client.apply([document, service], namespace)
    client.wait_for(POD, "web", namespace, lambda pod: condition(pod, "Ready"), 60)
    # The shell's programs are static, so they have no resolver of their own.
    look = f"nslookup web.{namespace}.svc.cluster.local | awk '/^Address/ {{ found = $2 }} END {{ print found }}'"
    ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 $({look}) 80 | grep from-the-service"
    script = f"i=0; while [ $i -lt 100 ]; do {ask} && exit 0; i=$((i + 1)); sleep 1; done; exit 1"
    for node in NODES:
        done = run(client, namespace, f"ask-{node}", script, nodeSelector={"kubernetes.io/hostname": node})
        assert done["status"]["phase"] == "Succeeded", client.logs(f"ask-{node}", namespace)
        assert "from-the-service" in client.logs(f"ask-{node}", namespace)


def test_pods_reach_the_api_server_by_its_service(cluster: Cluster, namespace: str) -> None:
    script = (
        "nslookup kubernetes.default.svc.cluster.local && nc -w 3 kubernetes.default.svc.cluster.local 443 < /dev/null"
    )
    done = run(cluster.client, namespace, "p", script)
    assert done["status"]["phase"] == "Succeeded", cluster.client.logs("p", namespace)


def test_a_pod_over_its_memory_limit_is_killed(cluster: Cluster, namespace: str) -> None:
    done = run(cluster.client, namespace, "p", "exec tail /dev/zero", limits={"memory": "24Mi"})
    assert terminated(done)["reason"] == "OOMKilled"
    assert terminated(done)["exitCode"] == 137


def test_gpus_are_counted(cluster: Cluster, namespace: str) -> None:
    client, limits = cluster.client, {"memory": "32Mi", "nvidia.com/gpu": "1"}
    client.apply(job("many", 5, "sleep 600", limits=limits, nodeSelector=L4), namespace)
    client.wait_for(JOB, "many", namespace, lambda job: job.get("status", {}).get("ready") == 4, 60)

    def words() -> str | None:
        waiting = [pod for pod in client.list(POD, namespace) if not pod["spec"].get("nodeName")]
        said = [each.get("message", "") for pod in waiting for each in pod["status"].get("conditions", ())]
        return next((text for text in said if "Insufficient nvidia.com/gpu" in text), None)

    assert client.wait(words, 30, "the scheduler's words")


def test_an_index_that_fails_permanently_leaves_the_others_alone(cluster: Cluster, namespace: str) -> None:
    script = 'echo "{\\"index\\": $JOB_COMPLETION_INDEX}" > /dev/termination-log; [ $JOB_COMPLETION_INDEX != 1 ]'
    client = cluster.client
    client.apply(job("shards", 3, script, retries=0), namespace)
    done = client.wait_for(JOB, "shards", namespace, finished, 90)
    assert (done["status"]["completedIndexes"], done["status"]["failedIndexes"]) == ("0,2", "1")
    said = sorted(terminated(pod)["message"].strip() for pod in client.list(POD, namespace))
    assert said == ['{"index": 0}', '{"index": 1}', '{"index": 2}']


def test_a_node_without_power_is_noticed_and_comes_back(cluster: Cluster, namespace: str) -> None:
    client, node = cluster.client, cluster.nodes["reel-gpu"]
    client.apply(job("shards", 1, "sleep 600", nodeSelector=L4), namespace)
    client.wait_for(JOB, "shards", namespace, lambda job: job.get("status", {}).get("ready") == 1, 60)
    (before,) = client.list(POD, namespace)
    node.cut_power()
    client.wait_for(NODE, "reel-gpu", "", lambda found: not ready(found), 90, "the node to be lost")
    cluster.restore_power("reel-gpu")

    def after() -> bool:
        pods = [pod for pod in client.list(POD, namespace) if pod["metadata"]["uid"] != before["metadata"]["uid"]]
        return any(condition(pod, "Ready") for pod in pods)

    client.wait(after, 90, "another pod in place of the lost one")


def test_nothing_of_the_cluster_is_mounted_or_running_where_tests_run(cluster: Cluster) -> None:
    instance = cluster.plane.box.instance
    assert not mounted(instance)
    assert cgroups(instance), "the nodes' cgroups are there while they run"
    assert not Path("/sys/class/net/reel0").exists()
