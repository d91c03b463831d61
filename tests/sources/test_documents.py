"""Documents with interleaved texts and images: what their annotation files say becomes items with all images."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.sources.document_sets import SUMMARY, questions_and_answers
from source_folders import items, listed, names, put, put_json, reasons

TEXT = "<image><image>#0.0-3.2# A pan heats. <image>#3.2-7.05#Oil is added. Summary: How to fry."
TURNS = [
    {"from": "human", "value": "<image><image>#0.0-3.2#"},
    {"from": "gpt", "value": " A pan heats. "},
    {"from": "human", "value": "<image>#3.2-7.05#"},
    {"from": "gpt", "value": "Oil is added. "},
    {"from": "human", "value": SUMMARY},
    {"from": "gpt", "value": " How to fry."},
]


def documents(folder: Path, rows: object, dataset: str = "merlin-s") -> list[Any]:
    return listed("documents", dataset=dataset, uri=put_json(folder / "set.json", rows), images=folder / "images")


def row(*names: Any, text: Any = TEXT, **more: Any) -> dict[str, Any]:
    return {"image_info": [{"image_name": name} for name in names], "text_list": text, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path, "images/a/0.jpg", "images/a/1.jpg", "images/b.png")


def test_merlin_s_is_a_conversation_of_images_with_times_their_texts_and_a_summary(folder: Path) -> None:
    names_ = ("a/0.jpg", "Black background: 64, 48", "/data//elsewhere/images/a/1.jpg")
    (item,) = documents(folder, [row(*names_, id="vid7")])
    assert (item.key, item.group, item.media, item.problem, item.weight) == ("vid7", "vid7", None, None, 3.0)
    assert item.fields["conversations"] == TURNS
    uris = [image.get("uri", image.get("blank")) for image in item.fields["images"]]
    assert uris == [str(folder / "images/a/0.jpg"), [64, 48], str(folder / "images/a/1.jpg")]
    assert {image["source"] for image in item.fields["images"] if "uri" in image} == {"raw"}


def test_merlin_un_has_its_conversations_and_paths_as_they_are(folder: Path) -> None:
    said = [{"from": "human", "value": "<image> and <image>?"}, {"from": "gpt", "value": "two"}]
    rows = [{"images": ["s3://bucket/images/b.png", "a/0.jpg"], "conversations": said}]
    (item,) = documents(folder, rows, "merlin-un")
    assert item.fields["conversations"] == said
    assert [image["uri"] for image in item.fields["images"]] == [
        str(folder / "images/b.png"), str(folder / "images/a/0.jpg"),
    ]  # fmt: skip
    assert item.key.startswith("document-")
    assert names([item]) == [item.key]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("a/0.jpg", text="no image in it"), "bad_text"),
        (row("a/0.jpg", text=None), "bad_text"),
        (row("gone.jpg"), "missing"),
        (row("/elsewhere/gone.jpg"), "missing"),
        (row(None), "bad_path"),
        (row("Black background: 99999, 99999"), "huge_image"),
        ({"image_info": "a/0.jpg", "text_list": TEXT}, "bad_row"),
        ("no row", "bad_text"),
    ],
)
def test_a_document_that_cannot_be_packed_is_one_row_and_its_neighbours_are_listed(
    folder: Path, bad: Any, reason: str
) -> None:
    found = documents(folder, [bad, row("a/0.jpg", id="good")])
    assert reasons(found) == [reason]
    assert [item.key for item in items(found)] == ["good"]


def test_an_image_that_changed_makes_another_item_and_equal_rows_are_one(folder: Path) -> None:
    found = documents(folder, [row("a/0.jpg"), row("a/0.jpg"), row("b.png")])
    assert reasons(found) == ["duplicate"]
    assert len({item.key for item in items(found)}) == 2


GROUPS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["#1#", "#1.5-2.0#", "#10-11.25#"]), st.text("ab c", max_size=5)),
    min_size=1,
    max_size=4,
)


@given(GROUPS, st.one_of(st.none(), st.text("xy ", max_size=5)), st.text("uv ", max_size=4))
def test_nothing_of_a_text_is_lost(groups: list[tuple[int, str, str]], summary: str | None, before: str) -> None:
    text = before + "".join("<image>" * count + time + said for count, time, said in groups)
    text += "" if summary is None else f"Summary:{summary}"
    turns = questions_and_answers(text)
    joined = "".join(turn["value"] for turn in turns)
    assert joined == text.replace("Summary:", SUMMARY)
    assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(groups) + (summary is not None))
    json.dumps(turns)
