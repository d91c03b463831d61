"""Requests to the API server, over real HTTP: what it refuses has a kind, and long lists come in pages."""

from pathlib import Path

import pytest

from controller.worker_rig import JOB, PIPELINE, Rig, resource, rigged
from reelmill.controller.kube.api import JOBS, PIPELINES
from reelmill.controller.kube.api_errors import (
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NoAnswer,
    ObjectNotFound,
    Throttled,
)
from reelmill.controller.state.cache import Cache
from reelmill.controller.watch.resync import Resync, StateWentBack


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (403, Forbidden),
        (404, ObjectNotFound),
        (409, Conflict),
        (410, Expired),
        (422, Invalid),
        (500, NoAnswer),
    ],
)
def test_every_refusal_has_its_kind_and_the_servers_words(tmp_path: Path, status: int, kind: type[Exception]) -> None:
    async def test(rig: Rig) -> None:
        rig.stub.refusals.append(("GET", status, "the words", {}))
        with pytest.raises(kind, match="the words"):
            await rig.verbs.pipeline("team", "demo")

    rigged(tmp_path, test)


@pytest.mark.parametrize(
    ("status", "after", "seconds"), [(429, "7", 7), (429, "", 1), (503, "3", 3), (429, "9999", 60), (429, "nan", 1)]
)
def test_a_server_that_asks_to_wait_says_how_long(tmp_path: Path, status: int, after: str, seconds: float) -> None:
    async def test(rig: Rig) -> None:
        rig.stub.refusals.append(("GET", status, "slow down", {"Retry-After": after} if after else {}))
        with pytest.raises(Throttled) as caught:
            await rig.verbs.pipeline("team", "demo")
        assert caught.value.after == seconds

    rigged(tmp_path, test)


def test_a_long_list_comes_in_pages_and_deleted_objects_leave_the_cache(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        await rig.a_pass()
        owner = rig.job()["metadata"]["ownerReferences"]
        for number in range(1200):
            name = f"job-{number:04d}"
            metadata = {"name": name, "namespace": "team", "ownerReferences": owner}
            rig.stub.put(JOB + name, {"metadata": metadata})
        await rig.list()
        assert len(rig.cache.jobs) == 1201
        pages = [query for query in rig.stub.queries if query.get("labelSelector", "").endswith("=reelmill")]
        assert [query["limit"] for query in pages[-3:]] == ["500"] * 3
        for path in list(rig.stub.objects):
            if path.startswith(f"{JOB}job-"):
                del rig.stub.objects[path]
        await rig.list()
        assert len(rig.cache.jobs) == 1

    rigged(tmp_path, test)


def test_a_server_whose_state_went_back_makes_the_operator_start_again(tmp_path: Path) -> None:
    """After the restore of a backup, versions that were seen before are given to other states."""

    async def test(rig: Rig) -> None:
        await rig.a_pass()
        await rig.list()
        rig.stub.version = 50
        with pytest.raises(StateWentBack, match="version 50"):
            await rig.list()
        restarted = Rig(rig.stub, rig.verbs)
        await restarted.list()
        assert len(restarted.cache.pipelines) == 1

    rigged(tmp_path, test)


def test_a_server_with_earlier_states_of_objects_makes_the_operator_start_again(tmp_path: Path) -> None:
    """After the restore of a backup, the server may soon have later versions than those that were seen before."""

    async def test(rig: Rig) -> None:
        restored = rig.stub.objects[PIPELINE]
        await rig.a_pass()
        await rig.list()
        rig.stub.objects[PIPELINE] = restored
        rig.stub.version += 100
        with pytest.raises(StateWentBack, match="earlier versions"):
            await rig.list()

    rigged(tmp_path, test)


def test_a_namespace_that_can_no_longer_be_read_is_forgotten_and_taken_up_when_it_can(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.stub.put(PIPELINE.replace("/team/", "/other/"), resource("other"))
        keys: list[str] = []
        renewals: list[list[str]] = []
        cache = Cache()
        resync = Resync(
            cache,
            rig.verbs,
            ("team", "other"),
            lambda key, priority: keys.append(key),
            every=60,
            renewed=lambda: renewals.append(resync.readable),
        )
        listed = lambda: sorted(each["metadata"]["namespace"] for each in cache.pipelines)  # noqa: E731
        lost = f"GET {PIPELINE.rpartition('/')[0]}"
        await resync.once(look_at_all=False)
        assert (listed(), renewals) == (["other", "team"], [])
        rig.stub.refusals += [(lost, 403, "no RoleBinding", {})] * 2
        await resync.once(look_at_all=False)
        # A server that has just started may refuse once.
        assert (listed(), renewals) == (["other", "team"], [["other"]])
        keys.clear()
        await resync.once(("team",), look_at_all=False)
        assert (listed(), keys) == (["other"], ["team/demo"])
        keys.clear()
        await resync.once(("team",), look_at_all=False)
        assert (listed(), keys) == (["other", "team"], ["team/demo"])
        assert renewals == [["other"], ["team", "other"]]

    rigged(tmp_path, test)


@pytest.mark.parametrize("status", [403, 500])
def test_namespaces_that_can_be_read_again_are_watched_though_a_list_of_them_failed(
    tmp_path: Path, status: int
) -> None:
    async def test(rig: Rig) -> None:
        rig.stub.put(PIPELINE.replace("/team/", "/other/"), resource("other"))
        renewals: list[list[str]] = []
        resync = Resync(
            Cache(),
            rig.verbs,
            ("team", "other"),
            lambda key, priority: None,
            every=60,
            renewed=lambda: renewals.append(resync.readable),
        )
        team = f"GET {PIPELINE.rpartition('/')[0]}"
        other = team.replace("/team/", "/other/")
        rig.stub.refusals.append((team, 403, "no RoleBinding", {}))
        await resync.once(look_at_all=False)
        assert renewals == [["other"]]
        # Either both are refused now, or the first can be read again and the server fails at the second.
        rig.stub.refusals += [(team, 403, "no RoleBinding", {})] if status == 403 else []
        rig.stub.refusals.append((other, status, "no answer", {}))
        with pytest.raises((Forbidden, NoAnswer)):
            await resync.once(look_at_all=False)
        await resync.once(look_at_all=False)
        assert renewals == [["other"], ["team", "other"]]

    rigged(tmp_path, test)


def test_a_namespace_that_may_not_be_read_costs_no_other_namespace(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        words = 'videopipelines is forbidden: not in the namespace "gone"'
        path = "GET /apis/reelmill.dev/v1alpha1/namespaces/gone/videopipelines"
        rig.stub.refusals += [(path, 403, words, {})] * 2
        keys: list[str] = []
        cache = Cache()

        async def listed(*namespaces: str) -> None:
            resync = Resync(cache, rig.verbs, namespaces, lambda key, priority: keys.append(key), every=60)
            await resync.once(look_at_all=False)

        await listed("gone", "team")
        with pytest.raises(Forbidden, match="not in the namespace"):
            await listed("gone")
        assert keys == ["team/demo"]
        assert len(cache.pipelines) == 1

    rigged(tmp_path, test)


def test_lists_are_asked_of_a_namespace_or_of_all(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        for namespace, path in (("team", "/namespaces/team/"), (None, "/batch/v1/jobs")):
            async for _ in rig.verbs.pages(JOBS, namespace):
                assert path in rig.stub.requests[-1][1]
        async for page in rig.verbs.pages(PIPELINES):
            assert page.version == rig.stub.version

    rigged(tmp_path, test)
