"""The dashboard of the chart in a pod of its own image: opened through its Service, with the rights that it has."""

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster.kubectl import find
from cluster.unavailable import Unavailable
from images import built
from nodes.place import Place
from nodes.release import Release, image
from nodes.small_pipeline import small

pytestmark = [pytest.mark.nodes, pytest.mark.timeout(900)]
SERVICE = "service/reelmill-dashboard"


@pytest.fixture
def shown(release: Release, place: Place) -> Iterator[Release]:
    """The release with the dashboard, which reads stores with the keys of the pipelines."""
    try:
        place.cluster.load(built.archive("stages-dashboard"))
    except Unavailable as problem:
        required = "nodes" in os.environ.get("REELMILL_REQUIRE", "")
        (pytest.fail if required else pytest.skip)(str(problem))
    for secret in place.s3.secrets(["s3-credentials"]):
        release.client.apply(secret, release.namespace)
    before = release.values
    release.install(
        dashboard={"enabled": True, "image": image("stages-dashboard"), "credentialsSecret": "s3-credentials"}
    )
    yield release
    release.values = {**before, "dashboard": {"enabled": False}}
    release.install()


@contextmanager
def forwarded(release: Release) -> Iterator[str]:
    """The address of the dashboard's Service on this machine."""
    command = [str(find()), "--kubeconfig", str(release.cluster.kubeconfig), "--namespace", release.namespace]
    with subprocess.Popen([*command, "port-forward", SERVICE, ":80"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found
            yield f"http://localhost:{found[1]}"
        finally:
            process.terminate()


def test_the_page_shows_pipelines_items_and_clips_and_may_read_no_secrets(shown: Release, place: Place) -> None:
    name = place.apply(small(place.s3, "shown"))
    place.complete(name)
    with forwarded(shown) as address:

        def asked(path: str) -> tuple[bytes, str]:
            with urllib.request.urlopen(f"{address}{path}", timeout=60) as answer:
                return answer.read(), answer.headers["content-type"]

        here = f"/pipelines/{place.namespace}/{name}"
        assert name in asked("/")[0].decode()

        def state() -> str:  # the list is read again after some seconds
            rows = json.loads(asked("/api/v1/pipelines")[0])["rows"]
            return next(str(row["state"]) for row in rows if row["name"] == name)

        shown.client.wait(lambda: state() == "complete", 120, "the list to show the end")
        assert "clips" in asked(here)[0].decode()
        items = json.loads(asked(f"/api/v1{here}/stages/clips/items?sort=duration")[0])
        assert len(items["tiles"]) == items["items"] > 0
        clip, kind = asked(f"{here}/stages/clips/items/{items['tiles'][0]['ordinal']}/files/0")
        assert (kind, clip[4:8]) == ("video/mp4", b"ftyp")
    account = f"system:serviceaccount:{shown.namespace}:reelmill-dashboard"
    for verb, what, answer in (("list", "videopipelines", "yes"), ("get", "secrets", "no"), ("create", "jobs", "no")):
        said = place.kubectl("auth", "can-i", verb, what, f"--as={account}", fails=answer == "no")
        assert said.strip() == answer
