"""A row of a source with a start and an end is that part of its file, in every stage that reads videos.

Each stage treats such a row as it treats a virtual clip of the same part: it takes the part, or refuses it by name.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cliprig import Rig, video
from reelmill.contract.records.rows import Item, Span
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.pipeline import Spec, StageSpec, members
from reelmill.plan.definition.graph import resolve
from reelmill.plan.definition.keys import keys
from reelmill_stages.media.timeline.item_span import known_span
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Failed, Input, Result
from reelmill_stages.stages.caption.pictures import parts
from reelmill_stages.stages.caption.question import question
from reelmill_stages.stages.embed.towers.frames import frames_of

START, END = 1.0, 2.0
CASES: dict[str, Mapping[str, Any]] = {
    "chunk": {"output": "npy", "maxFrames": 10},
    "clip": {"by": "length", "length": "500ms", "minLength": "100ms"},
    "dedup": {"by": "perceptual"},
    "frames": {"count": 4, "layout": "jpg"},
    "measure": {"frames": {"count": 4}},
    "normalise": {},
    "pack": {"sampler": "un", "frames": 4},
    "write": {"format": "parquet", "media": "video"},
}
"""Stages that need no model. `filter` and `dedup: exact` read no pictures of it, or only its bytes."""
SHOWN_ELSEWHERE = {
    "caption": "below, without its server",
    "embed": "below, without its network",
    "transcribe": "tests/transcribe/test_transcribe_stage.py",
}


def rows(rig: Rig) -> tuple[Item, Item, Item]:
    """The part as a row of a source, the part as a virtual clip, and the whole file."""
    whole = rig.item("a", video(4.0), vid="v", text="said")
    assert whole.media
    part = replace(whole, media=replace(whole.media, span=Span(START, END)))
    return replace(whole, fields={**whole.fields, "start": START, "end": END}), part, whole


def comparable(result: Result) -> Any:
    """All that a result is made of, without how the part was told."""
    if not isinstance(result, Done):
        return type(result).__name__, getattr(result, "reason", ""), getattr(result, "message", "")
    told = [
        {name: value for name, value in item.fields.items() if name not in ("start", "end")} for item in result.items
    ]
    files = [[(file.name, file.path.read_bytes()) for file in item.files] for item in result.items]
    payload = [(file.name, file.path.read_bytes()) for file in result.payload]
    return [item.key for item in result.items], told, files, payload, dict(result.fields), result.signature


def test_every_stage_that_reads_videos_is_in_this_file() -> None:
    reading = {
        name
        for name in members(StageSpec, StageBlock)
        if "videos" in StageSpec.model_fields[name].annotation.__args__[0].takes  # type: ignore[union-attr]
    }
    assert reading | {"dedup"} == set(CASES) | set(SHOWN_ELSEWHERE)


@pytest.mark.parametrize("name", CASES)
def test_a_row_with_a_span_stands_for_that_part_of_the_file(name: str, tmp_path: Path) -> None:
    found = []
    for place, item in enumerate(rows(rig := Rig(tmp_path / "scratch"))):
        rig.scratch = tmp_path / f"{place}"
        rig.scratch.mkdir()
        (result,) = stage(name, CASES[name]).process([Input(item, 0)], rig)
        found.append(comparable(result))
    as_row, as_span, whole = found
    assert as_row == as_span
    assert as_row != whole
    if name in ("normalise", "write"):
        assert as_row[1] == "virtual_clip"
        assert "1 s to 2 s" in as_row[2]
    else:
        assert as_row[0] != "Failed", as_row


def test_pack_video_only_refuses_a_row_that_is_not_cut(tmp_path: Path) -> None:
    row, _, _ = rows(rig := Rig(tmp_path))
    (result,) = stage("pack", {"sampler": "video_only"}).process([Input(row, 0)], rig)
    assert isinstance(result, Failed)
    assert (result.reason, result.message.partition(":")[0]) == (
        "virtual_clip",
        "a is a span of a longer video (1 s to 2 s) and has no file of its own",
    )


def test_a_model_that_describes_videos_sees_the_part_and_is_asked_anew_about_each(tmp_path: Path) -> None:
    row, span, whole = rows(rig := Rig(tmp_path))
    block = stage("caption", {"server": {"url": "http://none"}, "model": "m", "prompt": "{text}"}).block
    pictures = [parts(item, rig, block) for item in (row, span, whole)]  # type: ignore[arg-type]
    assert pictures[0] == pictures[1] != pictures[2]
    asked = [question(item, block).identity for item in (row, span, whole)]  # type: ignore[arg-type]
    assert asked[0] == asked[1] != asked[2]


def test_frames_for_a_network_are_those_of_the_span(tmp_path: Path) -> None:
    shown = [[frame.tobytes() for frame in frames_of(item, rig, 4)] for rig in [Rig(tmp_path)] for item in rows(rig)]
    assert shown[0] == shown[1] != shown[2]


def test_the_span_of_a_row_is_known_without_its_file(tmp_path: Path) -> None:
    row, span, whole = rows(Rig(tmp_path))
    assert known_span(row) == known_span(span) == Span(START, END)
    assert known_span(whole) is None
    assert known_span(replace(row, fields={"start": "soon", "end": 3})) is None


def spec(source: dict[str, Any], *stages: dict[str, Any]) -> Spec:
    names = ({"name": f"s{number}", **one} for number, one in enumerate(stages))
    return Spec.model_validate({"store": {"uri": "s3://o"}, "sources": [{"name": "raw", **source}], "stages": [*names]})


@pytest.mark.parametrize(
    ("block", "raised"),
    [
        ({"pack": {}}, 1),
        ({"normalise": {}}, 1),
        ({"chunk": {}}, 1),
        ({"clip": {"by": "length"}}, 1),
        ({"clip": {"by": "metadata"}}, 0),
        ({"frames": {}}, 0),
        ({"measure": {}}, 0),
        ({"dedup": {"by": "perceptual"}}, 0),
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("filtered", [False, True])
def test_only_keys_of_stages_that_took_whole_files_for_parts_of_them_change(
    block: dict[str, Any], raised: int, filtered: bool
) -> None:
    above = [{"filter": {"rules": [{"field": "duration", "max": 9}]}}] if filtered else []
    versions = []
    for columns in ({"start": "b", "end": "e"}, {}):
        made = spec({"table": {"uri": "s3://i/t.csv", "columns": columns}}, *above, block)
        definitions = keys(made, resolve(made)).definitions
        versions.append(definitions[f"s{len(above)}"]["version"])
    assert versions[0] - versions[1] == raised


def test_written_clips_are_whole_files() -> None:
    made = spec({"clip4mc": {"metadata": "s3://i/t.json", "videos": "s3://i/v/"}}, {"clip": {}}, {"pack": {}})
    assert keys(made, resolve(made)).definitions["s1"]["version"] == 1
