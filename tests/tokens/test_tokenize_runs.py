"""Whole runs from videos to packs: what the ledger says, what is refused, what is not done twice."""

import json
from pathlib import Path

import pytest

from cli.terminal import reelmill
from e2e.workshop import Workshop, balanced, film
from tokens import models

pytestmark = pytest.mark.store
LONG = "two dogs run over the grass " * 60


def shop(folder: Path, captions: list[str], **tokenize) -> Workshop:
    """Videos with captions, frames of them in tars of two, packs."""
    model = models.write(folder)
    made = Workshop(folder)
    names = [f"{number}.mp4" for number in range(len(captions))]
    made.film(*names, of=film(seconds=1.0))
    rows = [{"video": name, "caption": caption} for name, caption in zip(names, captions, strict=True)]
    (folder / "captions.json").write_text(json.dumps(rows))
    made.sources = [
        {
            "name": "raw",
            "captions": {"dataset": "hdvila", "uri": str(folder / "captions.json"), "videos": f"{made.videos}/"},
        }
    ]
    made.stages = [
        {"name": "frames", "pack": {"sampler": "un", "frames": 2, "samplesPerTar": 2}},
        {
            "name": "packs",
            "tokenize": {"tokenizer": {"uri": str(model)}, "maxTokens": 600, "tarsPerTar": 2, **tokenize},
        },
        {"name": "listing", "index": {"check": "full", "preview": "100%"}},
    ]
    return made


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = shop(tmp_path_factory.mktemp("packs"), ["two dogs", LONG, "a girl in a park", "a bowl", "the beach"])
    made.run()
    return made


def test_d12_losses_are_in_the_ledger_in_the_counters_and_in_a_file(ran: Workshop) -> None:
    balanced(ran, "frames", "packs", "listing")
    said = {row.message for row in ran.ledger("packs").values()}
    assert said == {"", "left out of 2 samples: 1 too_long"}
    last = ran.data("packs").last
    assert last is not None
    assert {name: last.counters[name] for name in ("documents", "left_out_too_long", "packs")} == {
        "documents": 4, "left_out_too_long": 1, "packs": 4,
    }  # fmt: skip
    about = ran.view("packs", "tokens.json")
    assert (about["samples"], about["documents"], about["leftOut"]) == (5, 4, {"too_long": 1})
    (lost,) = [
        json.loads(line) for path in ran.root("packs").rglob("*.losses.jsonl") for line in path.read_text().splitlines()
    ]
    assert (lost["key"], lost["reason"]) == ("000000001", "too_long")


def test_the_index_of_packs_decodes_them_for_the_eye(ran: Workshop) -> None:
    rows = ran.view("listing", "index.json")
    assert sum(row["nsamples"] for row in rows) == 4
    texts = [path.read_text() for path in ran.root("listing").rglob("previews/*.txt")]
    assert any("tokens say:" in text and "two dogs </s>" in text for text in texts)


def test_a_second_run_does_nothing_and_the_check_passes(ran: Workshop, tmp_path: Path) -> None:
    assert {stage["state"] for stage in ran.run().values()} == {"cached"}
    ran.ask("export", "packs", tmp_path / "out")
    said = reelmill("check", tmp_path / "out", "-o", "json")
    rows = [row for row in json.loads(said.out) if row["format"] == "tokens"]
    assert rows
    assert all(row["ok"] for row in rows)


def test_a_tokenizer_without_symbols_is_refused_before_any_item_is_touched(tmp_path: Path) -> None:
    made = shop(tmp_path, ["two dogs"])
    models.write(tmp_path, symbols=("<im_start>", "<im_end>"))
    said = made.tell("run", "-q")
    assert said.code != 0
    assert "<im_patch>" in said.err
    assert "Traceback" not in said.err
    assert made.data("packs").last is None


def test_another_tokenizer_under_the_same_name_is_refused(tmp_path: Path) -> None:
    made = shop(tmp_path, ["two dogs"])
    made.run()
    made.film("1.mp4", of=film(seconds=1.0))
    rows = [{"video": f"{number}.mp4", "caption": "a bowl"} for number in range(2)]
    (tmp_path / "captions.json").write_text(json.dumps([*rows[1:], {"video": "0.mp4", "caption": "two dogs"}]))
    models.write(tmp_path, size=32004)
    said = made.tell("run", "-q")
    assert said.code != 0
    assert "the file has changed since this stage started" in said.err
