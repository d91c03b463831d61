"""What a tokenize stage can read, and what is refused before anything runs."""

import pytest

from reelmill.contract.spec.pipeline import Spec
from reelmill.plan.definition.graph import SpecErrors, resolve

TOKENIZE = {"tokenizer": {"uri": "s3://models/t.model"}}


def spec(*stages: dict) -> Spec:
    return Spec.model_validate(
        {
            "store": {"uri": "s3://out"},
            "sources": [{"name": "raw", "files": {"uri": "s3://in/"}}],
            "stages": list(stages),
        }
    )


def test_packs_are_made_of_frames_in_tars_and_indexed() -> None:
    graph = resolve(
        spec(
            {"name": "frames", "pack": {"sampler": "kf"}},
            {"name": "packs", "tokenize": TOKENIZE},
            {"name": "listing", "index": {}},
        )
    )
    assert graph.upstreams["packs"] == ("frames",)


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([{"name": "packs", "tokenize": TOKENIZE}], "reads tars"),
        ([{"name": "whole", "pack": {}}, {"name": "packs", "tokenize": TOKENIZE}], "whole videos"),
        (
            [
                {"name": "frames", "pack": {"sampler": "un"}},
                {"name": "packs", "tokenize": {**TOKENIZE, "maxTokens": 99}},
            ],
            "too small for one image",
        ),
    ],
)
def test_what_cannot_be_tokenized_is_refused_with_a_way_out(stages: list[dict], words: str) -> None:
    with pytest.raises(SpecErrors, match=words):
        resolve(spec(*stages))
