"""What is refused before any work, with the path of the field and the way out."""

from typing import Any

import pytest

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.definition.graph import SpecErrors, resolve

RAW = {"name": "raw", "files": {"uri": "s3://in/"}}
MORE = {"name": "more", "files": {"uri": "s3://more/"}}
CLIPS: dict[str, Any] = {"name": "clips", "clip": {"by": "length"}}


def spec(stages: list[dict[str, Any]], sources: list[dict[str, Any]] | None = None) -> Spec:
    return Spec.model_validate({"store": {"uri": "s3://out"}, "sources": sources or [RAW], "stages": stages})


def test_from_may_be_left_out_where_it_means_one_thing_only() -> None:
    graph = resolve(spec([CLIPS, {"name": "samples", "frames": {}}, {"name": "tars", "from": ["clips"], "pack": {}}]))
    assert graph.upstreams == {"clips": ("raw",), "samples": ("clips",), "tars": ("clips",)}


def test_ancestors_are_the_sources_that_a_stage_rests_on() -> None:
    stages = [CLIPS | {"from": ["raw"]}, {"name": "samples", "from": ["clips", "more"], "frames": {}}]
    graph = resolve(spec(stages, [MORE, RAW]))
    assert graph.ancestors("clips") == ["raw"]
    assert graph.ancestors("samples") == ["more", "raw"]


@pytest.mark.parametrize(
    ("stages", "sources", "where", "what", "hint"),
    [
        ([CLIPS], [RAW, MORE], "spec.stages[0].from", "several sources", "[raw, more]"),
        (
            [CLIPS | {"from": ["rwa"]}],
            [RAW],
            "spec.stages[0].from[0]",
            "no source or stage named 'rwa'",
            "did you mean 'raw'?",
        ),
        ([CLIPS | {"from": ["raw", "raw"]}], [RAW], "spec.stages[0].from[1]", "twice", "duplicate"),
        ([CLIPS | {"from": ["clips"]}], [RAW], "spec.stages[0].from[0]", "does not precede", "order"),
        (
            [CLIPS | {"from": ["raw", "samples"]}, {"name": "samples", "frames": {}}],
            [RAW],
            "spec.stages[0].from[1]",
            "does not precede",
            "order",
        ),
        ([CLIPS, CLIPS], [RAW], "spec.stages[1].name", "'clips' is used twice", "unique names"),
        ([CLIPS | {"name": "raw"}], [RAW], "spec.stages[0].name", "used twice", "unique names"),
        ([CLIPS | {"from": ["raw"]}], [RAW, MORE], "spec.sources[1]", "no stage reads", "from"),
        ([{"name": "clips"}], [RAW], "spec.stages[0]", "exactly one of", "one block"),
        ([CLIPS | {"frames": {}}], [RAW], "spec.stages[0]", "exactly one of", "one block"),
        (
            [{"name": "clips", "clip": {"by": "length", "minLength": "9s", "maxLength": "1s"}}],
            [RAW],
            "spec.stages[0].clip",
            "less than minLength",
            "",
        ),
        (
            [CLIPS | {"view": {"split": {}}}],
            [RAW],
            "spec.stages[0].view.split",
            "view.split is not supported",
            "remove",
        ),
        (
            [CLIPS | {"env": [{"name": "REELMILL_TASK", "value": "x"}]}],
            [RAW],
            "spec.stages[0].env[0].name",
            "reserved",
            "another name",
        ),
        (
            [{"name": "clips", "clip": {"mode": "virtual"}}, {"name": "tars", "pack": {}}],
            [RAW],
            "spec.stages[1].from[0]",
            "whole files",
            "mode to copy",
        ),
        ([CLIPS, {"name": "ix", "index": {}}], [RAW], "spec.stages[1].from[0]", "reads tars", "pack stage"),
        (
            [CLIPS, {"name": "tars", "pack": {}}, {"name": "samples", "frames": {}}],
            [RAW],
            "spec.stages[2].from[0]",
            "'tars' produces tars",
            "are made",
        ),
        (
            [{"name": "clips", "clip": {"mode": "virtual"}}, {"name": "again", "clip": {}}],
            [RAW],
            "spec.stages[1].from[0]",
            "produces spans",
            "mode to copy",
        ),
    ],
)
def test_what_is_refused(
    stages: list[dict[str, Any]], sources: list[dict[str, Any]], where: str, what: str, hint: str
) -> None:
    with pytest.raises(SpecErrors) as refused:
        resolve(spec(stages, sources))
    (error,) = [error for error in refused.value.errors if error.where == where]
    assert what in error.what
    assert hint in error.hint


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(SpecErrors, match="and 3 more") as refused:
        resolve(spec([CLIPS | {"from": ["nope"]}, CLIPS | {"from": ["nada"]}]))
    assert [error.where for error in refused.value.errors] == [
        "spec.stages[0].from[0]",
        "spec.stages[1].name",
        "spec.stages[1].from[0]",
        "spec.sources[0]",
    ]


@pytest.mark.parametrize("sampler", ["un", "kf", "mine:Sampler"])
def test_other_samplers_pack_virtual_clips(sampler: str) -> None:
    stages = [{"name": "clips", "clip": {"mode": "virtual"}}, {"name": "tars", "pack": {"sampler": sampler}}]
    assert resolve(spec(stages)).upstreams["tars"] == ("clips",)


def test_an_index_reads_a_tar_source() -> None:
    assert resolve(spec([{"name": "ix", "index": {}}], [{"name": "old", "tars": {"uri": "s3://tars/"}}]))


MEASURED: dict[str, Any] = {"name": "measured", "measure": {}}
VIRTUAL: dict[str, Any] = {"name": "clips", "clip": {"by": "length", "mode": "virtual"}}


def test_a_stage_that_passes_items_on_gives_what_it_is_given() -> None:
    again = {"name": "again", "measure": {"sound": False}}
    for clips in (CLIPS, VIRTUAL):
        resolve(spec([clips, MEASURED, again, {"name": "samples", "frames": {}}]))
    resolve(spec([CLIPS, MEASURED, again, {"name": "tars", "pack": {}}]))


def vectors(**params: Any) -> list[dict[str, Any]]:
    weights = {"uri": "s3://models/vit.safetensors"}
    return [
        {"name": "vectors", "embed": {"model": "ViT-B-32", "weights": weights}},
        {"name": "apart", "dedup": {"by": "semantic", **params}},
    ]


def test_a_stage_that_passes_clips_on_in_place_of_vectors_gives_what_the_vectors_were_made_of() -> None:
    tars, again = {"name": "tars", "pack": {}}, {"name": "again", "measure": {}}
    resolve(spec([CLIPS, MEASURED, *vectors(passes="clips"), again, tars]))
    with pytest.raises(SpecErrors, match="'vectors' produces embeddings"):
        resolve(spec([CLIPS, *vectors(), tars]))
    with pytest.raises(SpecErrors, match="'clips' only records spans"):
        resolve(spec([VIRTUAL, *vectors(passes="clips"), tars]))


def test_what_cannot_read_the_items_is_refused_below_a_stage_that_passes_them_on() -> None:
    with pytest.raises(SpecErrors) as refused:
        resolve(spec([VIRTUAL, MEASURED, {"name": "tars", "pack": {}}]))
    (error,) = refused.value.errors
    assert error.where == "spec.stages[2].from[0]"
    assert "'clips' only records spans" in error.what
    with pytest.raises(SpecErrors, match="index stage reads tars, but 'raw' produces videos"):
        resolve(spec([MEASURED, {"name": "listing", "index": {}}]))
    with pytest.raises(SpecErrors, match="a measure stage reads spans or videos, but 'tars' produces tars"):
        resolve(spec([CLIPS, {"name": "tars", "pack": {}}, MEASURED]))
