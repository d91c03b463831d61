"""Stage keys: what is in them, what is not, and that releases do not change them.

`golden_keys.json` holds keys of released versions. A key in it never changes, unless the data version of a block is
raised; add new ones with `python tests/plan/test_keys.py`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.pipeline import SourceSpec, Spec, StageSpec, members
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import StageKeys, keys, stage_definition

GOLDEN = Path(__file__).with_name("golden_keys.json")

BASE: dict[str, Any] = {
    "store": {"uri": "s3://out/demo"},
    "sources": [
        {"name": "raw", "clip4mc": {"metadata": "s3://in/train.json", "videos": "s3://in/videos/"}},
        {"name": "more", "files": {"uri": "s3://in/more/"}},
    ],
    "stages": [
        {"name": "clips", "from": ["raw", "more"], "clip": {"by": "metadata"}},
        {"name": "samples", "frames": {"layout": "npy"}},
        {"name": "tars", "from": ["clips"], "pack": {"samplesPerTar": 100}},
        {"name": "listing", "index": {}},
    ],
}

IN_STAGE = [{"clip": {"by": "length"}}, {"rerun": "2"}]
NOT_IN_STAGE = [
    {"shards": 7},
    {"parallelism": 3},
    {"workers": 5},
    {"failures": {"tolerate": "5%", "attempts": 9, "retriesPerShard": 1, "itemTimeout": "5s"}},
    {"failures": {"retryItems": {"classes": ["decode"]}}},
    {"image": "other"},
    {"imagePullPolicy": "Always"},
    {"imagePullSecrets": [{"name": "pull"}]},
    {"nodeSelector": {"a": "b"}},
    {"tolerations": [{"key": "x"}]},
    {"affinity": {"nodeAffinity": {}}},
    {"priorityClassName": "low"},
    {"runtimeClassName": "nvidia"},
    {"serviceAccountName": "reader"},
    {"env": [{"name": "A", "value": "b"}]},
    {"resources": {"requests": {"cpu": "1"}}},
    {"scratch": "1Gi"},
    {"gpu": {"count": 2}},
    {"resourceClaims": [{"name": "g"}]},
]
IN_SOURCE = [{"epoch": "2"}, {"clip4mc": {"metadata": "s3://in/val.json", "videos": "s3://in/videos/"}}]
NOT_IN_SOURCE = [
    {"s3": {"endpoint": "http://other:9000"}},
    {"s3": {"secretRef": {"name": "k"}, "region": "eu"}},
    {"web": {"parallel": 8, "allowedHosts": ["*.example.org"]}},
]
NOT_IN_SPEC = [
    {"store": {"uri": "s3://elsewhere"}},
    {"defaults": {"nodeSelector": {"a": "b"}}},
    {"control": {"nodeSelector": {"a": "b"}}},
    {"waves": 8},
    {"refresh": "6h"},
    {"verify": {"interval": "24h"}},
    {"suspend": True},
    {"queue": {"name": "q"}},
    {"limits": {"maxActiveStages": 1}},
    {"ttl": {"succeeded": "5m"}},
    {"onDelete": "Delete"},
]
VIEW = {"view": {"split": {"mode": "all_train"}}}


def made(*, source: dict[str, Any] | None = None, stage: dict[str, Any] | None = None, **spec: Any) -> StageKeys:
    body = json.loads(json.dumps(BASE)) | spec
    if source:
        body["sources"][0].update(source)
    if stage:
        body["stages"][0].update(stage)
    parsed = Spec.model_validate(body)
    return keys(parsed, resolve(parsed))


@pytest.mark.parametrize("edit", IN_STAGE, ids=str)
def test_an_edit_of_what_a_stage_does_changes_its_key_and_those_after_it(edit: dict[str, Any]) -> None:
    before, after = made(), made(stage=edit)
    changed = {name for name in before.keys if before[name] != after[name]}
    assert changed == {"clips", "samples", "tars", "listing"}


@pytest.mark.parametrize("edit", NOT_IN_STAGE, ids=lambda edit: next(iter(edit)))
def test_an_edit_of_how_or_where_a_stage_runs_changes_no_key(edit: dict[str, Any]) -> None:
    assert made(stage=edit) == made()


def test_the_order_of_from_is_not_in_a_key_but_its_members_are() -> None:
    assert made(stage={"from": ["more", "raw"]}) == made()
    body = json.loads(json.dumps(BASE))
    body["stages"][0]["from"] = ["raw"]
    body["stages"][2]["from"] = ["more"]
    parsed = Spec.model_validate(body)
    assert keys(parsed, resolve(parsed))["clips"] != made()["clips"]


@pytest.mark.parametrize("edit", IN_SOURCE, ids=lambda edit: next(iter(edit)))
def test_an_edit_of_what_a_source_lists_changes_its_key_and_all_that_read_it(edit: dict[str, Any]) -> None:
    before, after = made(), made(source=edit)
    assert {name for name in before.keys if before[name] == after[name]} == {"more"}


@pytest.mark.parametrize("edit", NOT_IN_SOURCE, ids=str)
def test_an_edit_of_how_a_source_is_reached_changes_no_key_but_begins_a_run(edit: dict[str, Any]) -> None:
    before, after = made(), made(source=edit)
    assert after.keys == before.keys
    assert after.definition != before.definition


@pytest.mark.parametrize("edit", NOT_IN_SPEC, ids=lambda edit: next(iter(edit)))
def test_an_edit_of_the_pipeline_as_a_whole_changes_no_key(edit: dict[str, Any]) -> None:
    assert made(**edit).keys == made().keys


def test_editing_a_view_changes_no_key() -> None:
    body = json.loads(json.dumps(BASE))
    body["stages"][1].update(VIEW)
    parsed = Spec.model_validate(body)
    assert keys(parsed, resolve(parsed)) == made()


def test_a_parameter_at_its_default_is_as_if_absent() -> None:
    assert made(stage={"clip": {"by": "metadata", "crf": 23, "audio": "keep"}}) == made()


@pytest.mark.parametrize(
    ("block", "version"),
    [
        ({"clip": {"mode": "copy"}}, 1),
        ({"clip": {"mode": "virtual"}}, 1),
        ({"clip": {"mode": "reencode"}}, 2),
        ({"chunk": {"output": "index"}}, 1),
        ({"chunk": {"output": "npy"}}, 1),
        ({"chunk": {"output": "mp4"}}, 2),
    ],
    ids=str,
)
def test_the_data_version_is_raised_for_parameters_that_encode_and_for_no_others(
    block: dict[str, Any], version: int
) -> None:
    stage = StageSpec.model_validate({"name": "one", **block})
    assert stage_definition(stage, {})["version"] == version


def test_every_field_of_the_resource_is_decided() -> None:
    in_stage = {"rerun", "from_", *members(StageSpec, StageBlock)}
    beside = {"name", "view"} | {field_name(StageSpec, alias) for alias in aliases(NOT_IN_STAGE)}
    assert in_stage | beside == set(StageSpec.model_fields)
    assert {"epoch", "name", "s3", "web", *members(SourceSpec, SourceBlock)} == set(SourceSpec.model_fields)
    assert {"sources", "stages"} | {field_name(Spec, alias) for alias in aliases(NOT_IN_SPEC)} == set(Spec.model_fields)


def aliases(edits: list[dict[str, Any]]) -> set[str]:
    return {alias for edit in edits for alias in edit}


def field_name(model: type[Any], alias: str) -> str:
    return next(name for name, field in model.model_fields.items() if (field.alias or name) == alias)


def golden_specs() -> dict[str, dict[str, Any]]:
    """Case -> spec. Cases are only ever added."""
    single = {"store": {"uri": "s3://out"}, "sources": [{"name": "raw", "files": {"uri": "s3://in/"}}]}
    return {
        "everything at its default": BASE,
        "scenes, re-encoded": {
            **single,
            "stages": [{"name": "clips", "clip": {"by": "scenes", "mode": "reencode", "maxLength": "1m", "crf": 18}}],
        },
        "clips once more": {**single, "stages": [{"name": "clips", "clip": {"by": "length"}, "rerun": "2026-01"}]},
        "samples": {**single, "stages": [{"name": "samples", "frames": {"fps": 2.5, "layout": "jpg"}}]},
        "packs of tokens": {
            **single,
            "sources": [{"name": "raw", "tars": {"uri": "s3://in/"}}],
            "stages": [
                {"name": "packs", "tokenize": {"tokenizer": {"uri": "s3://models/t.model"}, "packing": "best-fit"}}
            ],
        },
        "a stage of one's own": {
            **single,
            "stages": [
                {
                    "name": "facts",
                    "run": {
                        "image": f"a/b:1@sha256:{'0' * 64}",
                        "entrypoint": "facts:Facts",
                        "params": {"minWidth": 9},
                    },
                }
            ],
        },
        "grid features": {
            **single,
            "sources": [{"name": "coco", "images": {"uri": "s3://in/", "split": "train2014+val2014"}}],
            "stages": [{"name": "features", "grid": {"weights": {"uri": "s3://models/clip.pt"}, "fit": "squash"}}],
        },
        "lip embeddings": {
            **single,
            "sources": [{"name": "crops", "lips": {"lists": "s3://in/lists/", "root": "s3://in/", "splits": ["tr"]}}],
            "stages": [{"name": "embeddings", "embed": {"weights": {"uri": "s3://models/w.pth"}, "batchSize": 32}}],
        },
        "chunks of several views": {
            **single,
            "sources": [{"name": "takes", "multiview": {"videos": "s3://in/videos/", "labels": "s3://in/label/"}}],
            "stages": [{"name": "chunks", "chunk": {"maxFrames": 1000, "overlap": 50, "gaps": "drop"}}],
        },
        "measures": {
            **single,
            "stages": [
                {
                    "name": "measured",
                    "measure": {
                        "frames": {"count": 8},
                        "reduce": {"luma": ["p10"]},
                        "nsfw": {"weights": {"uri": "s3://m"}},
                    },
                }
            ],
        },
        "chunks as videos": {**single, "stages": [{"name": "chunks", "chunk": {"output": "mp4"}}]},
        "captions": {
            **single,
            "stages": [
                {
                    "name": "captions",
                    "caption": {
                        "server": {"url": "http://models/v1"},
                        "model": "looker",
                        "schema": {"type": "object"},
                        "limits": {"tokens": 5},
                    },
                }
            ],
        },
        "transcripts": {
            **single,
            "stages": [
                {
                    "name": "transcripts",
                    "transcribe": {
                        "voice": {"weights": {"uri": "s3://models/silero_vad.onnx"}},
                        "server": {"url": "http://models/v1"},
                        "model": "whisper-1",
                    },
                }
            ],
        },
        "one shape": {
            **single,
            "stages": [{"name": "shaped", "normalise": {"maxSide": 720, "fps": 29.97, "sound": {"loudness": -23}}}],
        },
        "rows for datasets": {
            **single,
            "stages": [
                {
                    "name": "train",
                    "write": {
                        "format": "parquet",
                        "columns": [{"field": "vid", "type": "string"}],
                        "samplesPerFile": 50,
                    },
                }
            ],
        },
        "items kept by rules": {
            **single,
            "stages": [
                {
                    "name": "keep",
                    "filter": {"rules": [{"field": "duration", "min": "2s"}, {"field": "vid", "in": ["a", 1]}]},
                }
            ],
        },
        "key frames in tars": {**single, "stages": [{"name": "tars", "pack": {"sampler": "kf", "keys": "compat"}}]},
    }


def found() -> dict[str, dict[str, str]]:
    specs = {case: Spec.model_validate(body) for case, body in golden_specs().items()}
    return {case: dict(keys(spec, resolve(spec)).keys) for case, spec in specs.items()}


def test_keys_of_released_versions_do_not_change() -> None:
    golden = json.loads(GOLDEN.read_text())
    now = found()
    assert {case: now[case] for case in golden} == golden
    assert set(now) == set(golden), "add the new cases: python tests/plan/test_keys.py"


if __name__ == "__main__":
    kept = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    GOLDEN.write_text(json.dumps(found() | kept, indent=2, sort_keys=True) + "\n")
