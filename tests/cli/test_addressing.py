"""A name addresses the cluster, a file addresses the store; what is in the way of a cluster is one clear error."""

import socket
from pathlib import Path

import pytest
import yaml

from cli.terminal import reelmill, write
from reelmill.cli.cluster.refusals import no_such_pipeline, refused
from reelmill.cli.cluster.target import is_name
from reelmill.cli.exit_codes import code_of

PIPELINES = "/apis/reelmill.dev/v1alpha1/namespaces/video/videopipelines"


def kubeconfig(folder: Path, server: str, *contexts: str, current: str = "") -> Path:
    """A kubeconfig with contexts of one server."""
    path = folder / "config"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "x"}}],
        "contexts": [
            {"name": name, "context": {"cluster": "one", "user": "me", "namespace": "video"}} for name in contexts
        ],
        "current-context": current,
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("demo", True),
        ("clip4mc-train", True),
        ("demo.yaml", False),
        ("./demo", False),
        ("a/b", False),
        ("Demo", False),
        ("demo_1", False),
        ("-demo", False),
        ("", False),
    ],
)
def test_a_word_that_could_be_a_name_is_one(word: str, name: bool) -> None:
    assert is_name(word) == name


def test_options_of_the_other_side_are_refused_and_named(tmp_path: Path) -> None:
    file = write(tmp_path)
    for command in ("status", "ledger", "logs", "retry", "abandon", "why"):
        said = reelmill(command, file, "-n", "video")
        assert (said.code, "--namespace requires the name of a pipeline" in said.err) == (2, True), command
    for command in ("retry", "abandon"):
        said = reelmill(command, "demo", "--jobs", "2")
        assert (said.code, "--jobs requires a pipeline file" in said.err) == (2, True), command
    for command in ("events", "suspend", "resume", "cancel", "refresh"):
        said = reelmill(command, file)
        assert (said.code, "is not a valid pipeline name" in said.err) == (2, True), command


def test_a_cluster_that_nothing_names_or_that_does_not_exist_is_one_error(tmp_path: Path) -> None:
    said = reelmill("status", "demo", "--kubeconfig", tmp_path / "none")
    assert (said.code, "the kubeconfig does not exist" in said.err) == (2, True)
    config = kubeconfig(tmp_path, "https://127.0.0.1:1", "kind-dev", "prod", current="")
    said = reelmill("status", "demo", "--kubeconfig", config)
    assert "error: " in said.err
    assert "has no current context" in said.err
    said = reelmill("status", "demo", "--kubeconfig", config, "--context", "kind-def")
    assert said.err.splitlines()[-1] == "hint: did you mean kind-dev?"
    (tmp_path / "text").write_text("just words")
    said = reelmill("status", "--kubeconfig", tmp_path / "text")
    assert (said.code, "not a kubeconfig" in said.err) == (2, True)


def test_a_cluster_that_does_not_answer_is_named_with_its_context_and_exit_code_75(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{taken.getsockname()[1]}"
        said = reelmill("status", "demo", "--kubeconfig", kubeconfig(tmp_path, server, "dev", current="dev"))
    assert said.code == 75
    assert said.err.splitlines() == [
        f"error: {server}: the cluster does not answer (context dev): the connection failed",
        "hint: check that it is running and reachable from here, or select another one with --context",
    ]


@pytest.mark.parametrize(
    ("status", "message", "method", "path", "said"),
    [
        (
            403,
            "no",
            "GET",
            f"{PIPELINES}/demo",
            "you are not allowed to get videopipelines.reelmill.dev in namespace video",
        ),
        (403, "no", "GET", PIPELINES, "you are not allowed to list videopipelines.reelmill.dev in namespace video"),
        (
            403,
            "no",
            "PATCH",
            f"{PIPELINES}/demo",
            "you are not allowed to patch videopipelines.reelmill.dev in namespace video",
        ),
        (
            403,
            "no",
            "GET",
            "/api/v1/namespaces/video/pods/x/log",
            "you are not allowed to get pods/log in namespace video",
        ),
        (403, "no", "GET", "/api/v1/events", "you are not allowed to list events in all namespaces"),
        (401, "Unauthorized", "GET", PIPELINES, "the cluster rejected your credentials"),
        (404, "404 page not found\n", "GET", f"{PIPELINES}/demo", "VideoPipelines are not defined in this cluster"),
        (
            404,
            "the server could not find the requested resource",
            "GET",
            PIPELINES,
            "VideoPipelines are not defined in this cluster",
        ),
        (
            422,
            'VideoPipeline.reelmill.dev "demo" is invalid: spec.stages[0]: exactly one block',
            "PATCH",
            f"{PIPELINES}/demo",
            "spec.stages[0]: exactly one block",
        ),
        (
            409,
            'Apply failed with 1 conflict: "kubectl" using manager: .spec',
            "PATCH",
            f"{PIPELINES}/demo",
            'other tools own some of the fields: Apply failed with 1 conflict: "kubectl" using manager: .spec',
        ),
    ],
)
def test_a_refusal_says_what_was_refused(status: int, message: str, method: str, path: str, said: str) -> None:
    error = refused(status, message, method, path, "video")
    assert str(error) == said
    assert code_of(error) == 2


def test_a_name_that_does_not_exist_is_reported_with_the_nearest_that_does() -> None:
    assert no_such_pipeline("clp4mc", "video", ["clip4mc", "other"]).hint == "did you mean clip4mc?"
    assert no_such_pipeline("zzz", "video", ["a", "b"]).hint == "available: a, b"
    assert "has no pipelines" in no_such_pipeline("zzz", "video", []).hint


def test_a_store_that_pods_cannot_see_is_not_submitted(tmp_path: Path) -> None:
    said = reelmill("submit", write(tmp_path))
    assert (said.code, "which pods cannot access" in said.err) == (2, True)
