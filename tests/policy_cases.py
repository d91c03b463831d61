"""Table of cases that a policy rejects or accepts, tested with the planner and with a real API server.

Each case is about one thing that the author of a VideoPipeline can request. `docs/security-model.md` has a row for each
field of the policy.
"""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
PULL = [{"name": "registry"}]
KEYS = {"name": "keys"}


@dataclass(frozen=True)
class Case:
    name: str
    policy: Json
    spec: Json = field(default_factory=dict)
    """Fields of the spec in place of those of `spec`."""
    stage: Json = field(default_factory=dict)
    """The same for its only stage."""
    where: str = ""
    """Path of the rejected field; empty: the pipeline is accepted."""

    @property
    def resource(self) -> Json:
        """The pipeline."""
        stage = {"name": "clips", "clip": {}, **self.stage}
        if {"run", "caption", "transcribe", "frames", "tokenize", "measure"} & set(self.stage):
            del stage["clip"]
        return {
            "apiVersion": "reelmill.dev/v1alpha1",
            "kind": "VideoPipeline",
            "metadata": {"name": "demo", "namespace": "team"},
            "spec": {
                "suspend": True,
                "store": {"uri": "s3://out/demo"},
                "sources": [{"name": "raw", "files": {"uri": "s3://in/videos/"}}],
                "stages": [stage],
                **self.spec,
            },
        }


def server(url: str) -> Json:
    return {"caption": {"server": {"url": url}, "model": "m", "prompt": "what is it?"}}


def web(*private: str) -> list[Json]:
    return [{"name": "raw", "table": {"uri": "s3://in/urls.txt"}, "web": {"privateServers": list(private)}}]


def source(uri: str, **more: Any) -> Json:
    return {"sources": [{"name": "raw", "files": {"uri": uri}, **more}]}


def frames(tokenizer: Any) -> Json:
    return {"frames": {"tokenizer": tokenizer}}


def tokens(uri: str) -> Json:
    return {"tokenize": {"tokenizer": {"uri": uri}}}


VOICE = {"weights": {"uri": "s3://models/silero_vad.onnx"}}
IMAGES = {"allowedImages": ["registry.example/team/*"]}
SECRETS = {"allowedSecrets": ["video-*"]}
SERVERS = {"allowedServers": ["https://minio.example:9000", "http://*.models:8000"]}
ACCOUNTS = {"allowedServiceAccounts": ["video-*"]}
TAINTS = {"allowedTolerations": ["video.example/*"]}
NODES = {"allowedNodes": {"pool": ["video", "video-gpu"]}}
MOST = {"maxResources": {"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": 2, "ephemeral-storage": "100Gi"}}
MINIO = {"uri": "s3://out/demo", "endpoint": "https://minio.example:9000"}
FOREIGN_URIS = {
    "the Hub": "hf://datasets/owner/name/videos/", "Azure": "az://in/videos/", "Google": "gs://in/videos/",
    "a web server": "https://evil.example/videos/",
}  # fmt: skip

CASES = [
    Case("no policy", {}, {"defaults": {"image": "evil.example/x", "serviceAccountName": "admin"}}),
    # Images, and therefore code.
    Case("the operator's image", IMAGES),
    Case("an allowed image", IMAGES, stage={"image": "registry.example/team/app:1"}),
    Case("a foreign image", IMAGES, stage={"image": "evil.example/app:1"}, where="spec.stages[0].image"),
    Case("a foreign image of the defaults", IMAGES, {"defaults": {"image": "evil/x"}}, where="spec.defaults.image"),
    Case("a deeper path", IMAGES, stage={"image": "registry.example/team/a/b"}, where="spec.stages[0].image"),
    Case("a longer host", IMAGES, stage={"image": "registry.example.evil/team/a"}, where="spec.stages[0].image"),
    Case("a dot is a dot", IMAGES, stage={"image": "registryxexample/team/a"}, where="spec.stages[0].image"),
    Case("a line end", IMAGES, stage={"image": "registry.example/team/a\n"}, where=""),
    Case("any depth", {"allowedImages": ["registry.example/**"]}, stage={"image": "registry.example/a/b:1"}),
    Case(
        "an image of a run block", IMAGES, stage={"run": {"image": "evil.example/a", "entrypoint": "a:B"}},
        where="spec.stages[0].run.image",
    ),
    Case(
        "code by a variable", IMAGES, stage={"env": [{"name": "PYTHONPATH", "value": "/scratch"}]},
        where="spec.stages[0].env[0].name",
    ),
    Case(
        "an allowed variable", {**IMAGES, "allowedVariables": ["HF_*"]},
        stage={"env": [{"name": "HF_HUB_OFFLINE", "value": "1"}]},
    ),
    Case(
        "a variable of the defaults", {"allowedVariables": ["HF_*"]},
        {"defaults": {"env": [{"name": "LD_PRELOAD", "value": "x"}]}}, where="spec.defaults.env[0].name",
    ),
    # Secrets.
    Case("no Secret", SECRETS),
    Case("an allowed Secret", SECRETS, {"store": {"uri": "s3://o", "secretRef": {"name": "video-store"}}}),
    Case(
        "a foreign Secret of the store", SECRETS, {"store": {"uri": "s3://o", "secretRef": KEYS}},
        where="spec.store.secretRef.name",
    ),
    Case(
        "a foreign Secret of a source", SECRETS,
        {"sources": [{"name": "raw", "files": {"uri": "s3://in/"}, "s3": {"secretRef": KEYS}}]},
        where="spec.sources[0].s3.secretRef.name",
    ),
    Case(
        "a foreign Secret in a variable", SECRETS, stage={"env": [{"name": "A", "secretRef": KEYS}]},
        where="spec.stages[0].env[0].secretRef.name",
    ),
    Case(
        "a foreign Secret to pull images", SECRETS, stage={"imagePullSecrets": PULL},
        where="spec.stages[0].imagePullSecrets[0].name",
    ),
    # Servers that receive keys or data.
    Case("an allowed store", SERVERS, {"store": MINIO}),
    Case(
        "another cloud than the allowed one", {"allowedServers": ["https://s3.amazonaws.com"]},
        {"store": {"uri": "az://out/demo"}}, where="spec.store.endpoint",
    ),
    Case(
        "a web server of the cluster", SERVERS, {"store": MINIO, "sources": web("http://intern.team:80", "http://a.models:8000")},
        where="spec.sources[0].web.privateServers[0]",
    ),
    Case("a web server that is allowed", SERVERS, {"store": MINIO, "sources": web("http://a.models:8000")}),
    Case("public web servers", SERVERS, {"store": MINIO, "sources": web()}),
    Case(
        "an account of Azure", {"allowedServers": ["https://*.blob.core.windows.net"]},
        {"store": {"uri": "az://o"}, **source("az://in/")},
    ),
    Case(
        "a source in another cloud", {"allowedServers": ["https://s3.amazonaws.com"]},
        {"sources": [{"name": "raw", "lips": {"lists": "az://in/", "root": "az://in/"}, "s3": {}}]},
        where="spec.sources[0].s3.endpoint",
    ),
    Case(
        "a host that only looks like one", SERVERS,
        {"store": {"uri": "s3://o", "endpoint": "https:/evil.example/minio.example:9000"}}, where="spec.store.endpoint",
    ),
    Case("an allowed path", SERVERS, {"store": MINIO}, stage=server("http://vllm.models:8000/v1")),
    Case("AWS unless told", SERVERS, where="spec.store.endpoint"),
    Case(
        "a foreign endpoint", SERVERS, {"store": {**MINIO, "endpoint": "https://minio.example:9000.evil"}},
        where="spec.store.endpoint",
    ),
    Case(
        "a foreign endpoint of a source", SERVERS,
        {
            "store": MINIO,
            "sources": [{"name": "raw", "files": {"uri": "s3://in/"}, "s3": {"endpoint": "http://evil:9000"}}],
        },
        where="spec.sources[0].s3.endpoint",
    ),
    Case(
        "a foreign model", SERVERS, {"store": MINIO}, server("http://evil.example/a.models:8000"),
        where="spec.stages[0].caption.server.url",
    ),
    Case(
        "a foreign recogniser", SERVERS, {"store": MINIO},
        {"transcribe": {"server": {"url": "http://evil.example/v1"}, "model": "m", "voice": VOICE}},
        where="spec.stages[0].transcribe.server.url",
    ),
    Case(
        "a proxy", SERVERS, {"store": MINIO}, {"env": [{"name": "HTTPS_PROXY", "value": "http://evil"}]},
        where="spec.stages[0].env[0].name",
    ),
    # Servers that sources and parameters name, with any scheme, with or without a separate connection.
    *(
        Case(f"{kind} without a connection", SERVERS, {"store": MINIO, **source(uri)},
             where="spec.sources[0].files.uri")
        for kind, uri in FOREIGN_URIS.items()
    ),
    *(
        Case(f"{kind} with a connection", SERVERS, {"store": MINIO, **source(uri, s3={"region": "x"})},
             where="spec.sources[0].s3.endpoint")
        for kind, uri in FOREIGN_URIS.items() if kind != "a web server"
    ),
    *(
        Case(f"{kind} at an allowed endpoint", SERVERS,
             {"store": MINIO, **source(uri, s3={"endpoint": "https://minio.example:9000"})},
             where="spec.sources[0].files.uri" if kind == "a web server" else "")
        for kind, uri in FOREIGN_URIS.items()
    ),
    *(
        Case(f"{kind}, allowed", {"allowedServers": ["https://minio.example:9000", allowed]},
             {"store": MINIO, **source(FOREIGN_URIS[kind])})
        for kind, allowed in (("the Hub", "https://huggingface.co"), ("Azure", "https://*.blob.core.windows.net"),
                              ("Google", "https://storage.googleapis.com"), ("a web server", "https://evil.example"))
    ),
    Case("a source with the store's connection", SERVERS, {"store": MINIO, **source("s3://in/")}),
    Case(
        "AWS beside a store of another kind", {"allowedServers": ["https://storage.googleapis.com"]},
        {"store": {"uri": "gs://out"}}, where="spec.sources[0].files.uri",
    ),
    Case(
        "the connection of a store in a folder", SERVERS,
        {"store": {"uri": "data", "endpoint": "http://evil:9000"}, **source("gs://in/")}, where="spec.store.endpoint",
    ),
    Case("nothing but folders", {"allowedServers": []}, {"store": {"uri": "data"}, **source("file:///videos")}),
    Case(
        "a second URI of a source", SERVERS,
        {"store": MINIO, "sources": [{"name": "raw", "pairs": {"uri": "s3://in/p.json", "clips": "gs://in/"}}]},
        where="spec.sources[0].pairs.clips",
    ),
    Case(
        "a host that is cut from the rest by a question mark", SERVERS,
        {"store": MINIO, **source("https://evil.example?.models:8000")}, where="spec.sources[0].files.uri",
    ),
    Case(
        "a host that is cut from the rest by a backslash", SERVERS,
        {"store": MINIO, **source("http://evil.example\\.models:8000")}, where="spec.sources[0].files.uri",
    ),
    *(
        Case(
            f"a host that ends where a path begins: {endpoint}", {"allowedServers": ["**.models:8000"]},
            {"store": {"uri": "az://out/demo", "endpoint": endpoint}, **source("az://in/")},
            where="spec.store.endpoint",
        )
        for endpoint in (
            "HTTP://evil.example/x.models:8000", "evil.example/x.models:8000", "evil.example://x.models:8000",
            "//evil.example/x.models:8000",
        )
    ),
    Case("a host for redirects", SERVERS,
         {"store": MINIO, "sources": [{**web()[0], "web": {"allowedHosts": ["*.evil.example"]}}]},
         where="spec.sources[0].web.allowedHosts[0]"),
    Case("a host for redirects, allowed", {"allowedServers": [*SERVERS["allowedServers"], "https://*.example"]},
         {"store": MINIO, "sources": [{**web()[0], "web": {"allowedHosts": ["*.cdn.example"]}}]}),
    Case("a parameter's file", SERVERS, {"store": MINIO}, tokens("https://evil.example/tokenizer.json"),
         where="spec.stages[0].tokenize.tokenizer.uri"),
    Case("a parameter's file in another cloud", SERVERS, {"store": MINIO}, tokens("az://models/tokenizer.json"),
         where="spec.stages[0].tokenize.tokenizer.uri"),
    Case("a parameter's file beside the store", SERVERS, {"store": MINIO}, tokens("s3://models/tokenizer.json")),
    Case("a name of a tokenizer", SERVERS, {"store": MINIO}, frames("clip-open")),
    Case("a file in place of a name", SERVERS, {"store": MINIO}, frames({"uri": "hf://datasets/a/b/tokenizer.json"}),
         where="spec.stages[0].frames.tokenizer.uri"),
    Case("a file of a model in a stage", SERVERS, {"store": MINIO},
         {"measure": {"speech": {"weights": {"uri": "gs://models/vad.onnx"}}}},
         where="spec.stages[0].measure.speech.weights.uri"),
    # Identity.
    Case("the default account", ACCOUNTS),
    Case("an allowed account", ACCOUNTS, {"defaults": {"serviceAccountName": "video-reader"}}),
    Case(
        "a foreign account", ACCOUNTS, stage={"serviceAccountName": "admin"}, where="spec.stages[0].serviceAccountName"
    ),
    Case("no account", {"allowedServiceAccounts": []}, {"defaults": {"serviceAccountName": "x"}},
         where="spec.defaults.serviceAccountName"),
    # Nodes.
    Case("an allowed pool", NODES, {"control": {"nodeSelector": {"pool": "video"}}}, {"nodeSelector": {"zone": "a"}}),
    Case("a foreign pool", NODES, stage={"nodeSelector": {"pool": "db"}}, where="spec.stages[0].nodeSelector[pool]"),
    Case(
        "a foreign pool of control", NODES, {"control": {"nodeSelector": {"pool": "db"}}},
        where="spec.control.nodeSelector[pool]",
    ),
    Case("an allowed taint", TAINTS, stage={"tolerations": [{"key": "video.example/gpu", "operator": "Exists"}]}),
    Case("the taints of GPUs", TAINTS, stage={"gpu": {"spot": True}}),
    Case(
        "a foreign taint", TAINTS, stage={"tolerations": [{"key": "node-role.kubernetes.io/control-plane"}]},
        where="spec.stages[0].tolerations[0].key",
    ),
    Case(
        "every taint", {"allowedTolerations": ["*"]}, {"control": {"tolerations": [{"operator": "Exists"}]}},
        where="spec.control.tolerations[0].key",
    ),
    Case(
        "every taint, allowed", {"allowedTolerations": ["**"]},
        {"control": {"tolerations": [{"operator": "Exists"}]}},
    ),
    Case("affinity", {"refusedFields": ["affinity"]}, stage={"affinity": {}}, where="spec.stages[0].affinity"),
    Case(
        "an image that a node has", {"refusedFields": ["gpu", "imagePullPolicy"]},
        {"defaults": {"imagePullPolicy": "Never"}}, where="spec.defaults.imagePullPolicy",
    ),
    *(
        Case(
            f"refused {name} of {where}", {"refusedFields": ["tolerations", "nodeSelector"]},
            {} if where == "stages[0]" else {where: {name: value}}, {name: value} if where == "stages[0]" else {},
            where=f"spec.{where}.{name}",
        )
        for name, value in (("tolerations", [{"key": "a"}]), ("nodeSelector", {"a": "b"}))
        for where in ("control", "defaults", "stages[0]")
    ),
    Case(
        "control without refused fields", {"refusedFields": ["tolerations", "affinity"]},
        {"control": {"resources": {"requests": {"cpu": "1"}}}},
    ),
    # Order among pods.
    Case("no class", {"allowedPriorityClasses": []}),
    Case(
        "a foreign class", {"allowedPriorityClasses": ["batch-*"]}, stage={"priorityClassName": "system-node-critical"},
        where="spec.stages[0].priorityClassName",
    ),
    Case(
        "a foreign class of the verification", {"allowedPriorityClasses": ["batch-*"]},
        {"verify": {"interval": "1h", "priorityClassName": "high"}}, where="spec.verify.priorityClassName",
    ),
    Case(
        "a foreign runtime", {"allowedRuntimeClasses": ["nvidia"]}, stage={"runtimeClassName": "runc"},
        where="spec.stages[0].runtimeClassName",
    ),
    Case("a queue", {"allowedQueues": ["video"]}, {"queue": {"name": "video"}}),
    Case("no queue", {"allowedQueues": ["video"]}, where="spec.queue.name"),
    Case("no queue where any is allowed", {"allowedQueues": ["*"]}, where="spec.queue.name"),
    Case("a foreign queue", {"allowedQueues": ["video"]}, {"queue": {"name": "db"}}, where="spec.queue.name"),
    # Amounts.
    Case("as much as is allowed", MOST, stage={"resources": {"requests": {"cpu": 16, "memory": "65536Mi"}}}),
    Case(
        "too many CPUs", MOST, stage={"resources": {"requests": {"cpu": "16001m"}}},
        where="spec.stages[0].resources.requests[cpu]",
    ),
    Case(
        "too much memory", MOST, {"defaults": {"resources": {"limits": {"memory": "65Gi"}}}},
        where="spec.defaults.resources.limits[memory]",
    ),
    Case(
        "too much memory after failures", MOST, stage={"resources": {"memoryMax": "65Gi"}},
        where="spec.stages[0].resources.memoryMax",
    ),
    Case("too many GPUs", MOST, stage={"gpu": {"count": 3}}, where="spec.stages[0].gpu.count"),
    Case("too much scratch", MOST, stage={"scratch": "1Ti"}, where="spec.stages[0].scratch"),
    Case(
        "more than control needs", {"maxResources": {"memory": "256Mi"}},
        where="spec.control.resources.requests[memory]",
    ),
    Case("8 pods unless told", {"maxParallelism": 8, "maxPods": 8}),
    Case("too many pods", {"maxParallelism": 100}, stage={"parallelism": 101}, where="spec.stages[0].parallelism"),
    Case("too many pods unless told", {"maxPods": 7}, where="spec.stages"),
    Case("too many shards", {"maxShards": 5000}, stage={"shards": 5001}, where="spec.stages[0].shards"),
    Case("as many shards as auto makes", {"maxShards": 2000}),
    Case("fewer shards than auto makes", {"maxShards": 1999}, where="spec.stages[0].shards"),
]  # fmt: skip
