"""The cluster's programs, compiled from the Go module proxy, once per version, into the user's cache.

Only Go modules are downloaded: Kubernetes, etcd, kwok, CoreDNS and helm are built from source. `make prepare` builds
them (see `tools`); tests only `find` them.
"""

import json
import os
import re
import shutil
from pathlib import Path

from servers import install
from tools.cache import CACHE as TOOLS
from tools.cache import locked
from tools.command import output
from tools.tool import not_prepared

KUBERNETES = "1.34.4"
ETCD = "3.6.6"
OTELCOL = "0.165.0"
COSIGN = "3.1.3"
MODULES = {
    "kwok": "sigs.k8s.io/kwok/cmd/kwok@v0.8.0",
    "coredns": "github.com/coredns/coredns@v1.12.4",
    "helm": "helm.sh/helm/v3/cmd/helm@v3.19.5",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
    "krew": "sigs.k8s.io/krew/cmd/krew@v0.4.3",
    "promtool": "github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus@v0.316.0",
}
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
NODES = ("kubelet", "kube-proxy", "coredns", "helm")
CHECKS = ("kube-score", "helm-unittest", "promtool", "prometheus", "otelcol", "actionlint", "krew", "cosign")
"""Programs that check manifests, chart and workflows, collect metrics and traces, install kubectl plugins, and sign."""
TAGS = {"promtool": "remove_all_sd", "prometheus": "remove_all_sd"}
"""Build tags: without the clients of a dozen clouds, Prometheus compiles in a few minutes."""

_ETCD_MAIN = (
    'package main\n\nimport (\n\t"os"\n\n\t"go.etcd.io/etcd/server/v3/etcdmain"\n)\n\n'
    "func main() { etcdmain.Main(os.Args) }\n"
)
_COSIGN_MAIN = (
    'package main\n\nimport (\n\t"log"\n\n\t"github.com/sigstore/cosign/v3/cmd/cosign/cli"\n)\n\n'
    "func main() {\n\tif err := cli.New().Execute(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}\n"
)
"""cosign without the clients of key services, which signing with a file does not need."""
WRAPPED = {
    "cosign": (COSIGN, _COSIGN_MAIN, [f"github.com/sigstore/cosign/v3@v{COSIGN}"]),
    "etcd": (
        ETCD,
        _ETCD_MAIN,
        [f"go.etcd.io/etcd/server/v3@v{ETCD}"],
    ),
    "otelcol": (
        OTELCOL,
        Path(__file__).with_name("otelcol.go").read_text(),
        [
            f"go.opentelemetry.io/collector/{part}@v{OTELCOL}"
            for part in ("otelcol", "service", "exporter/debugexporter", "receiver/otlpreceiver")
        ],
    ),
}
"""Program -> its version, the source of its main package, and the modules that it is made of."""
REPLACING = {
    "helm-unittest": (
        "github.com/helm-unittest/helm-unittest/cmd/helm-unittest@v1.1.2",
        {"github.com/vmware-labs/yaml-jsonpath": "github.com/helm-unittest/yaml-jsonpath@v0.4.0"},
    ),
}
"""Program -> its package and the replace directives of its module, because of which `go install` rejects it."""

CACHE = TOOLS / "cluster"


def version() -> str:
    """The Kubernetes version: that of `make test K8S=1.36.3`, or the default one."""
    return os.environ.get("K8S") or KUBERNETES


def find(programs: tuple[str, ...], kubernetes: str = "") -> Path:
    """The folder with the programs of one Kubernetes version. Raises Unavailable if one is missing."""
    folder = _folder(kubernetes)
    for program in programs:
        if not (folder / program).exists():
            raise not_prepared(program, "nodes" if program in NODES and program != "helm" else "control-plane")
    return folder


def make(program: str, kubernetes: str = "") -> None:
    """Compile a missing program. Programs that are not part of Kubernetes are shared by its versions.

    Raises Unavailable if Go is missing or the compilation fails (with the end of the compiler's messages).
    """
    folder = _folder(kubernetes)
    with locked(folder / ".lock"):
        if (folder / program).exists():
            return
        if program in (*MODULES, *WRAPPED, *REPLACING):
            (folder / program).unlink(missing_ok=True)
            (folder / program).symlink_to(_tool(program))
        else:
            _compile(program, kubernetes or version(), folder)


def compiled(name: str, source: str) -> Path:
    """A program of one Go file, which imports the standard library only; compiled when it is missing."""
    folder = CACHE / f"module-{name}"
    with locked(CACHE / f".{name}.lock"):
        if not (folder / name).exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "go.mod").write_text(f"module example.test/{name}\n\ngo 1.24.0\n")
            (folder / "main.go").write_text(source)
            _go("build", "-trimpath", "-ldflags", "-s -w", "-o", f".{name}", ".", cwd=folder)
            (folder / f".{name}").rename(folder / name)
    return folder / name


def _folder(kubernetes: str) -> Path:
    return CACHE / f"k8s-{kubernetes or version()}"


def _tool(program: str) -> Path:
    """A program whose version does not follow Kubernetes'."""
    folder = CACHE / f"{program}-{_release(program)}"
    with locked(folder / ".lock"):
        if not (folder / program).exists():
            _compile(program, "", folder)
    return folder / program


def _release(program: str) -> str:
    if program in WRAPPED:
        return WRAPPED[program][0]
    package = MODULES[program] if program in MODULES else REPLACING[program][0]
    return package.rpartition("@")[2].removeprefix("v")


def _compile(program: str, kubernetes: str, folder: Path) -> None:
    unfinished = folder / f".{program}"
    if program in MODULES:
        binaries = folder / ".gobin"
        tags = [f"-tags={TAGS[program]}"] if program in TAGS else []
        _go("install", *tags, MODULES[program], cwd=folder, env={"GOBIN": str(binaries)})
        shutil.move(binaries / program, unfinished)
    elif program in WRAPPED:
        _go("build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), ".", cwd=_wrapped(program))
    elif program in REPLACING:
        package = REPLACING[program][0].partition("@")[0]
        _go("build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), package, cwd=_replacing(program))
    else:
        minor = kubernetes.split(".")[1]
        version = "k8s.io/component-base/version"
        stamps = {"gitVersion": f"v{kubernetes}", "gitMajor": "1", "gitMinor": minor, "gitTreeState": "clean"}
        flags = "-s -w " + " ".join(f"-X {version}.{name}={value}" for name, value in stamps.items())
        module = _kubernetes_module(kubernetes)
        _go(
            "build",
            "-trimpath",
            "-ldflags",
            flags,
            "-o",
            str(unfinished),
            f"k8s.io/kubernetes/cmd/{program}",
            cwd=module,
        )
    unfinished.rename(folder / program)


def _kubernetes_module(version: str) -> Path:
    """A module that requires Kubernetes' programs. Its staging modules are published as v0.<minor>.<patch>."""
    folder = CACHE / f"module-{version}"
    if (folder / "ready").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.test/kubernetes\n\ngo 1.24.0\n")
    described = _go("mod", "download", "-json", f"k8s.io/kubernetes@v{version}", cwd=folder)
    requirements = Path(json.loads(described)["GoMod"]).read_text()
    for module in sorted(set(re.findall(r"(k8s\.io/[a-z-]+) => \./staging", requirements))):
        _go("mod", "edit", f"-replace={module}={module}@v0.{version.removeprefix('1.')}", cwd=folder)
    commands = (*CONTROL_PLANE[:3], "kubelet", "kube-proxy")
    _go("get", "-tool", *(f"k8s.io/kubernetes/cmd/{name}@v{version}" for name in commands), cwd=folder)
    (folder / "ready").touch()
    return folder


def _wrapped(program: str) -> Path:
    """A module that builds a program from libraries, because the program's main module has replace directives."""
    release, source, libraries = WRAPPED[program]
    folder = CACHE / f"module-{program}-{release}"
    if (folder / "ready").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(f"module example.test/{program}\n\ngo 1.24.0\n")
    (folder / "main.go").write_text(source)
    _go("get", *libraries, cwd=folder)
    (folder / "ready").touch()
    return folder


def _replacing(program: str) -> Path:
    """A module that requires a program and repeats the replace directives of the program's module."""
    package, replaced = REPLACING[program]
    folder = CACHE / f"module-{program}-{_release(program)}"
    if (folder / "ready").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text("module example.test/tool\n\ngo 1.24.0\n")
    for module, other in replaced.items():
        _go("mod", "edit", f"-replace={module}={other}", cwd=folder)
    _go("get", "-tool", package, cwd=folder)
    (folder / "ready").touch()
    return folder


def _go(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", **(env or {})}
    if arguments[0] == "install":
        del environment["GOFLAGS"]
    return output([install.go(), *arguments], f"go {' '.join(arguments[:2])}", cwd=cwd, env=environment)
