"""The cache: the newest version of each object, whatever the order in which versions come."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.digest import fingerprint
from reelmill.controller.state.cache import KindCache, job_key, trimmed_job, trimmed_pipeline
from reelmill.plan.jobs.build import KEY, SHARDS, STAGE, STEP, UID
from reelmill.plan.jobs.job_labels import is_labelled

Json = dict[str, Any]


def thing(name: str, version: int, *, uid: str = "", namespace: str = "team", owner: str = "p1", **more: Any) -> Json:
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
            "ownerReferences": [{"kind": "VideoPipeline", "name": "demo", "uid": owner, "controller": True}],
        },
        **more,
    }


def store() -> KindCache:
    return KindCache(lambda seen: seen)


def test_an_older_version_never_replaces_a_newer_one() -> None:
    made = store()
    assert made.insert(thing("a", 5))
    assert not made.insert(thing("a", 4))
    assert not made.insert(thing("a", 5))
    assert made.insert(thing("a", 10))
    assert made.named("team", "a") == thing("a", 10)


def test_what_was_deleted_does_not_come_back() -> None:
    made = store()
    made.insert(thing("a", 5))
    assert made.remove(thing("a", 7))
    assert not made.insert(thing("a", 6))
    assert made.replace([thing("a", 6)], 6) == []
    assert made.named("team", "a") is None


def test_an_object_that_left_the_watched_ones_returns_with_no_earlier_version() -> None:
    """A label that selects it was removed, and added again."""
    made = store()
    made.insert(thing("a", 5))
    assert made.leave(thing("a", 7))
    assert not made.insert(thing("a", 6))
    # The event has the version without the label, which is read before the label is restored.
    assert made.insert(thing("a", 7))
    assert made.insert(thing("a", 8))
    assert not made.leave(thing("a", 7))
    assert made.named("team", "a") == thing("a", 8)


def test_an_object_that_is_known_to_be_deleted_does_not_return_with_a_later_version() -> None:
    made = store()
    made.insert(thing("a", 5))
    made.remove(thing("a", 5))
    made.leave(thing("a", 6))
    assert not made.insert(thing("a", 7))


def test_a_late_version_of_a_deleted_object_does_not_replace_its_successor() -> None:
    made = store()
    made.insert(thing("a", 8, uid="second", owner="p2"))
    assert not made.insert(thing("a", 6, uid="first"))
    assert made.named("team", "a") == thing("a", 8, uid="second", owner="p2")
    assert made.owned_by("p1") == []


def test_a_successor_replaces_an_object_whose_deletion_was_not_seen() -> None:
    made = store()
    made.insert(thing("a", 6, uid="first"))
    made.insert(thing("a", 8, uid="second", owner="p2"))
    assert [each["metadata"]["uid"] for each in made] == ["second"]
    assert made.owned_by("p1") == []


def test_a_namespace_that_is_dropped_may_return() -> None:
    made = store()
    made.insert(thing("a", 5, namespace="one"))
    made.insert(thing("b", 5, namespace="two"))
    assert made.drop("one") == [thing("a", 5, namespace="one")]
    assert [each["metadata"]["name"] for each in made] == ["b"]
    assert made.insert(thing("a", 5, namespace="one"))


def test_a_list_contradicts_what_was_seen_only_if_that_precedes_the_list() -> None:
    made = store()
    made.insert(thing("a", 8))
    assert made.contradicts([thing("a", 6)], 9)
    assert not made.contradicts([thing("a", 6)], 7)
    assert not made.contradicts([thing("a", 8), thing("b", 1)], 9)
    assert not made.contradicts([], 9)


def test_a_name_that_is_used_again_is_another_object() -> None:
    made = store()
    made.insert(thing("a", 5))
    made.insert(thing("a", 8, uid="second"))
    made.remove(thing("a", 7))
    assert made.named("team", "a") == thing("a", 8, uid="second")
    assert len(made) == 1


def test_a_list_takes_away_what_it_does_not_hold() -> None:
    made = store()
    for name in "ab":
        made.insert(thing(name, 5))
    assert made.replace([thing("a", 5)], 9) == [thing("b", 5)]
    assert [each["metadata"]["name"] for each in made] == ["a"]


def test_what_is_newer_than_the_list_stays() -> None:
    made = store()
    made.insert(thing("mine", 12))
    made.insert(thing("old", 6))
    made.replace([thing("old", 6)], 9)
    assert len(made) == 2


def test_a_list_of_one_namespace_leaves_the_others_alone() -> None:
    made = store()
    made.insert(thing("a", 5, namespace="one"))
    made.insert(thing("b", 5, namespace="two"))
    made.replace([], 9, "one")
    assert [each["metadata"]["name"] for each in made] == ["b"]


def test_objects_are_found_by_the_owner_that_controls_them() -> None:
    made = store()
    made.insert(thing("b", 1))
    made.insert(thing("a", 2))
    made.insert(thing("other", 3, owner="p2"))
    assert [each["metadata"]["name"] for each in made.owned_by("p1")] == ["a", "b"]
    made.remove(thing("a", 4))
    made.remove(thing("b", 5))
    assert made.owned_by("p1") == []


def test_a_job_belongs_to_the_pipeline_that_controls_it_and_to_no_other() -> None:
    assert job_key(thing("a", 1)) == "team/demo"
    foreign = thing("a", 1)
    foreign["metadata"]["ownerReferences"][0]["controller"] = False
    assert job_key(foreign) is None


@pytest.mark.parametrize("value", ["", "other"], ids=["removed", "changed"])
@pytest.mark.parametrize("lost", [UID, STEP, STAGE, KEY])
def test_a_trimmed_job_has_the_labels_of_its_pods(lost: str, value: str) -> None:
    job = thing("a", 1)
    labels = {UID: "p", STEP: "shards", STAGE: "clips", KEY: "0123456789"}
    job["metadata"]["labels"] = {"mine": "1", **labels}
    job["spec"] = {"template": {"metadata": {"labels": labels}}}
    whole = trimmed_job(job)
    assert is_labelled(whole)
    job["metadata"]["labels"].pop(lost)
    job["metadata"]["labels"] |= {lost: value} if value else {}
    bare = trimmed_job(job)
    assert bare["metadata"] == whole["metadata"]
    assert not is_labelled(bare)


def test_a_trimmed_job_has_no_template_and_what_planning_reads() -> None:
    job = thing("a", 1)
    job["metadata"] |= {"managedFields": [1], "annotations": {SHARDS: "0-3", "other": "x"}, "labels": {"l": "1"}}
    job["spec"] = {"completions": 4, "suspend": False, "template": {"spec": {}}}
    job["status"] = {"active": 1, "uncountedTerminatedPods": {}, "completedIndexes": "0"}
    kept = trimmed_job(job)
    assert kept["metadata"]["annotations"] == {SHARDS: "0-3"}
    assert kept["spec"] == {"completions": 4, "suspend": False}
    assert kept["status"] == {"active": 1, "completedIndexes": "0"}
    assert "managedFields" not in kept["metadata"]
    assert trimmed_job(kept) == kept


def test_a_trimmed_pipeline_has_no_copy_of_itself() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "reelmill.dev/retry": "x"}
    seen = thing("a", 1, spec={"stages": []}, status={"run": 1})
    seen["metadata"] |= {"annotations": annotations, "managedFields": [1]}
    kept = trimmed_pipeline(seen)
    assert kept["metadata"]["annotations"] == {"reelmill.dev/retry": "x"}
    assert (kept["spec"], kept["status"]) == ({"stages": []}, {"run": 1})


VERSIONS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 30)), max_size=30)


@given(VERSIONS, st.randoms(use_true_random=False))
def test_any_order_of_versions_ends_the_same(versions: list[tuple[str, int]], random: Any) -> None:
    ends = set()
    for _ in range(3):
        made = store()
        for name, version in versions:
            made.insert(thing(name, version))
        ends.add(fingerprint(sorted((each["metadata"]["name"], each["metadata"]["resourceVersion"]) for each in made)))
        random.shuffle(versions)
    assert len(ends) == 1
