"""The declared measures, and what a block says that it gives."""

import pytest
from pydantic import ValidationError

from reelmill.contract.measures import REDUCTIONS, Measure, measure
from reelmill.contract.spec.stages.measure import MeasureBlock

REF = {"uri": "s3://models/m.onnx"}


def block(**fields: object) -> MeasureBlock:
    return MeasureBlock.model_validate(fields)


def test_every_measure_has_a_definition_and_one_with_values_has_a_reduction() -> None:
    for each in Measure:
        assert each.definition
        assert (each.scope == "clip") == (each.reduction == "")
        assert each.reduction in {"", *REDUCTIONS}
        assert each.kind in {"number", "string", "boolean"}


def test_a_field_is_found_by_its_name_with_any_reduction() -> None:
    assert measure("luma") is measure("luma_p10") is Measure.LUMA
    assert Measure.LUMA.reduced("mean") == "luma"
    assert Measure.MOTION.reduced("p90") == "motion_p90"
    assert measure("temporal_information_above") is Measure.TEMPORAL_INFORMATION
    assert measure("duration_p10") is measure("brightness") is measure("luma_p11") is None


def test_no_name_means_two_measures() -> None:
    names = [each.reduced(word) for each in Measure if each.reduction for word in REDUCTIONS]
    names += [each.value for each in Measure if not each.reduction]
    assert len(names) == len(set(names))


def test_a_block_names_the_fields_that_it_gives() -> None:
    assert {"luma", "motion", "motion_p90", "loudness", "codec"} <= set(block().measured)
    assert "faces" not in block().measured
    assert set(block(faces={"weights": REF}).measured) == {*block().measured, "faces", "largest_face"}
    found = block(reduce={"motion": ["max"], "luma": ["above 200", "mean"]}, sound=False).measured
    assert {"motion_max", "luma", "luma_above"} <= set(found)
    assert not {"motion", "loudness"} & set(found)
    clip = block(clip={"weights": REF}).measured
    assert "text_similarity" in clip
    assert "aesthetic" not in clip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frames": {"fps": 2, "count": 3}}, "frames has 2 of all, fps and count"),
        ({"modelFrames": {}}, "modelFrames has 0"),
        ({"reduce": {"loudness": ["mean"]}}, "'loudness' has no value per frame"),
        ({"reduce": {"luma": ["p11"]}}, "pattern"),
        ({"reduce": {"luma": ["above 1", "above 2"]}}, "twice"),
        ({"reduce": {"faces": ["mean"]}}, "measures that are not made: faces"),
        ({"clip": {"weights": REF, "text": "none"}}, "clip measures nothing"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields: dict[str, object], words: str) -> None:
    try:
        said = " ".join(block(**fields).refusals())
    except ValidationError as error:
        said = str(error)
    assert words in said


def test_only_clip_scores_need_the_image_with_torch() -> None:
    assert not block(nsfw={"weights": REF}).torch_image
    assert block(clip={"weights": REF}).torch_image
