"""The block `write`: what is refused before anything is written, and what each refusal says."""

from typing import Any

import pytest
from pydantic import ValidationError

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.definition.graph import SpecErrors, resolve
from write.desk import block

VIDEOS = {"name": "raw", "files": {"uri": "s3://raw/"}}
VIEWS = {"name": "raw", "multiview": {"videos": "s3://raw/"}}
IMAGES = {"name": "raw", "images": {"uri": "s3://raw/"}}
EMBED = {"name": "vectors", "embed": {"model": "ViT-B-32", "weights": {"uri": "s3://raw/clip.pt"}}}


def refusal(source: dict[str, Any], *stages: dict[str, Any], **write: Any) -> str:
    """What a pipeline with this block is refused with; empty if it is accepted."""
    train = {"name": "train", "write": {"format": "parquet", **write}}
    body = {"store": {"uri": "s3://data"}, "sources": [source], "stages": [*stages, train]}
    try:
        resolve(Spec.model_validate(body))
    except SpecErrors as errors:
        return " ".join(f"{error.what}: {error.hint}" for error in errors.errors)
    return ""


@pytest.mark.parametrize(
    ("source", "stages", "write", "said"),
    [
        (VIDEOS, [], {}, ""),
        (VIDEOS, [{"name": "clips", "clip": {"mode": "virtual"}}], {}, "set mode to copy"),
        (VIDEOS, [{"name": "parts", "chunk": {}}], {"views": ["video"]}, "set output to mp4"),
        (VIDEOS, [{"name": "parts", "chunk": {"output": "mp4"}}], {"views": ["video"]}, ""),
        (VIEWS, [], {}, "name them: views: [front, …]"),
        (VIEWS, [], {"views": ["front"]}, ""),
        (IMAGES, [], {}, "set media: image"),
        (IMAGES, [], {"media": "image"}, ""),
        (VIDEOS, [], {"media": "image"}, "set media: video"),
        (VIDEOS, [EMBED], {"media": "vector", "madeOf": "video"}, ""),
        (VIDEOS, [EMBED], {}, "set media: vector"),
        (VIDEOS, [{"name": "tars", "pack": {}}], {}, "read the stage or source from which the tars are made"),
        (
            VIDEOS,
            [],
            {"columns": [{"field": "nothing", "type": "string"}]},
            "no item that the stage reads has the field",
        ),
    ],
)
def test_015_f07_an_upstream_that_does_not_fit_is_refused_with_what_to_do(
    source: dict[str, Any], stages: list[dict[str, Any]], write: dict[str, Any], said: str
) -> None:
    found = refusal(source, *stages, **write)
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        ({"columns": [{"field": "text"}]}, "the column text needs a type"),
        ({"columns": [{"field": "a.key", "type": "string"}]}, "two columns have the name key"),
        (
            {"columns": [{"field": "a", "type": "json"}, {"field": "b.a", "type": "json"}]},
            "two columns have the name a",
        ),
        ({"views": ["front", "front"]}, "two columns have the name front"),
        ({"views": ["front"], "media": "none"}, "views are videos"),
        ({"views": ["fields"]}, "two columns have the name fields"),
        (
            {"media": "vector", "columns": [{"field": "vector_shape", "type": "json"}]},
            "two columns have the name vector_shape",
        ),
    ],
)
def test_columns_that_contradict_each_other_are_refused(write: dict[str, Any], said: str) -> None:
    assert any(said in one for one in block(**write).refusals())


@pytest.mark.parametrize("name", ["length", "tasks", "episode_index", "dataset_from_index", "dataset_to_index"])
def test_a_column_that_the_table_of_episodes_has_itself_is_refused(name: str) -> None:
    def refusals(**column: Any) -> list[str]:
        column = {"field": f"measures.x.{name}", "type": "number", **column}
        return block("lerobot", columns=[column], lerobot={"fps": 10, "width": 64, "height": 48}).refusals()

    assert refusals() == [f"two columns have the name {name}: give one a name of its own"]
    assert refusals(name="mine") == []


@pytest.mark.parametrize("format_", ["webdataset", "energon"])
def test_a_format_of_another_stage_is_refused_with_its_name(format_: str) -> None:
    with pytest.raises(ValidationError, match="are written by a pack stage"):
        block(format_)


def test_a_measure_knows_its_type() -> None:
    columns = [{"field": f"measures.{name}"} for name in ("luma", "luma_p10", "camera", "frames")]
    assert [column.kind for column in block(columns=columns).columns] == ["number", "number", "string", "number"]
    assert block(columns=[{"field": "measures.luma", "type": "json"}]).columns[0].kind == "json"


def test_a_format_without_null_refuses_columns_that_may_lack_values() -> None:
    column = {"field": "text", "type": "string", "missing": "null"}
    assert block(columns=[column]).refusals() == []
    (wrong,) = block("mds", columns=[column]).refusals()
    assert "remove missing from the column text, or use type json" in wrong
    assert block("mds", columns=[{**column, "type": "json"}]).refusals() == []
