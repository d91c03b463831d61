"""The page over a cluster, as an account with exactly the rights that the chart gives it, and as one with less."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cluster.control_plane import ControlPlane
from control_plane.commands import Person, reader
from control_plane.operators import running, until, writes_nothing
from control_plane.pipelines import Desk, resource
from dashboard.markup import Markup
from dashboard.places import page
from reelmill.cli.cluster.cluster_pipelines import ClusterPipelines
from reelmill.cli.input.options import ClusterOptions
from reelmill.controller import rbac

pytestmark = pytest.mark.control_plane


@contextmanager
def seen(person: Person, scratch: Path) -> Iterator[TestClient]:
    """The page, as somebody sees it who has this account's kubeconfig."""
    place = ClusterOptions(kubeconfig=str(person.config))
    # Nobody answers there, so that the store of the test, which exists in memory only, is refused at once.
    env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    with ClusterPipelines(place, everywhere=False) as pipelines, page(scratch, pipelines=pipelines, env=env) as client:
        yield client


def test_an_account_that_may_only_read_sees_pipelines_progress_and_reasons(
    desk: Desk, config: Path, tmp_path: Path, defined: ControlPlane
) -> None:
    user = f"system:serviceaccount:{desk.namespace}:reelmill-operator"
    watcher = reader(desk.client, desk.namespace, tmp_path, rules=rbac.dashboard_rules())
    store = {"uri": "s3://out/demo", "endpoint": "http://127.0.0.1:9"}
    with running(config, namespaces=(desk.namespace,), resync_seconds=1) as one:
        desk.apply(resource(store=store))
        desk.wait_for("Complete")
        desk.apply(resource("halted", store=store, suspend=True))
        desk.wait_for("Suspended", "halted")
        until(lambda: writes_nothing(one, defined, user), 120, "the last of its own writes")
        before = desk.get()
        with seen(watcher, tmp_path) as client:
            found = client.get("/api/v1/pipelines?sort=name").json()
            assert [(row["name"], row["state"]) for row in found["rows"]] == [
                ("demo", "complete"),
                ("halted", "suspended"),
            ]
            place = f"/pipelines/{desk.namespace}/demo"
            view = client.get(f"/api/v1{place}").json()
            assert {work["stage"]: work["state"] for work in view["work"]} == {"clips": "done", "samples": "done"}
            assert "It has been complete" in view["why"]
            # The cluster is shown, though nobody answers for the store.
            assert "127.0.0.1:9" in view["problem"]
            text = Markup(client.get(place).text).text
            assert "Cannot be read." in text
            assert "samples" in text
            document = client.get(f"/api/v1{place}/document").json()["yaml"]
            assert "uri: s3://out/demo" in document
            assert "managedFields" not in document
            assert client.get(f"/pipelines/{desk.namespace}/nobody").status_code in (400, 404)
            assert client.get("/pipelines/kube-system/demo").status_code in (400, 404)
        assert desk.get() == before


def test_an_account_that_may_list_pipelines_alone_sees_them(desk: Desk, config: Path, tmp_path: Path) -> None:
    weak = reader(desk.client, desk.namespace, tmp_path)
    with running(config, namespaces=(desk.namespace,)):
        desk.apply(resource(store={"uri": "s3://out/demo", "endpoint": "http://127.0.0.1:9"}))
        desk.wait_for("Complete")
        with seen(weak, tmp_path) as client:
            assert [row["name"] for row in client.get("/api/v1/pipelines").json()["rows"]] == ["demo"]
            assert "It has been complete" in client.get(f"/api/v1/pipelines/{desk.namespace}/demo").json()["why"]


def test_an_account_without_rights_is_told_which_it_lacks(desk: Desk, tmp_path: Path) -> None:
    nobody = reader(desk.client, desk.namespace, tmp_path, rules=())
    with seen(nobody, tmp_path) as client:
        found = client.get("/api/v1/pipelines").json()
        assert found["rows"] == []
        assert "list" in found["problem"]
        assert "videopipelines" in found["problem"]
        assert client.get("/").status_code == 200
