"""Captions from a server, run as users run them: killed, out of budget, refused, continued."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from killing import kill_when
from workshop import Workshop, balanced, film

from servers.models import MODEL, Models, serving

pytestmark = pytest.mark.store
SAMPLE = Path(__file__).resolve().parents[2] / "manifests/samples/captions/pipeline.yaml"
TEXTS = [f"film {number}" for number in range(12)]


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    with serving(tmp_path / "models") as server:
        yield server


def shop(folder: Path, url: str, texts: list[str], **params: object) -> Workshop:
    """A shop with one clip per text, whose prompt is that text."""
    made = Workshop(folder)
    rows = []
    for number, text in enumerate(texts):
        made.film(f"v{number}.mp4", of=film(fps=12 + number % 3))
        rows.append({"path": f"v{number}.mp4", "text": text})
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    block = {"uri": str(folder / "rows.jsonl"), "base": str(made.videos), "columns": {"path": "path", "text": "text"}}
    made.sources = [{"name": "raw", "table": block}]
    made.stages = [captions(url, **params)]
    return made


def captions(url: str, **params: object) -> dict[str, object]:
    block = {"server": {"url": url}, "model": MODEL, "prompt": "{text}", "field": "said", "frames": 2, "concurrency": 3}
    return {"name": "captions", "caption": {**block, **params}, "failures": {"tolerate": "100%"}}


def asked(models: Models) -> Counter[str]:
    return Counter(models.prompts())


def test_007_f01_every_item_has_its_caption_and_its_media_are_those_of_the_source(
    models: Models, tmp_path: Path
) -> None:
    made = shop(tmp_path, models.url, TEXTS)
    ended = made.run()
    balanced(made, "captions")
    before, after = made.items("raw"), made.items("captions")
    assert {key: item.media for key, item in after.items()} == {key: item.media for key, item in before.items()}
    assert all(item.fields["said"] == f"2 pictures: {item.fields['text']}" for item in after.values())
    assert asked(models) == Counter(TEXTS)
    assert ended["captions"]["counters"] == {
        "tokens": 1440, "prompt_tokens": 1200, "answer_tokens": 240, "requests": 12,
    }  # fmt: skip
    assert {row.message for row in made.ledger("captions").values()} == {"100 + 20 tokens"}
    rows = [json.loads(line) for line in (made.root("captions") / "captions.jsonl").read_text().splitlines()]
    assert {row["key"]: row["caption"] for row in rows} == {key: item.fields["said"] for key, item in after.items()}
    assert made.tell("check", "--stage", "captions").code == 0


def test_007_f05_the_address_may_change_and_nothing_is_asked_again(models: Models, tmp_path: Path) -> None:
    made = shop(tmp_path, models.url, TEXTS[:3])
    made.run()
    made.stages = [captions(models.url.replace("127.0.0.1", "localhost"), concurrency=1)]
    assert made.run()["captions"]["state"] == "cached"
    assert asked(models).total() == 3


def test_007_f05_a_killed_run_pays_for_no_answer_twice(models: Models, tmp_path: Path) -> None:
    texts = [f"{text} do=pause" for text in TEXTS]
    made = shop(tmp_path, models.url, texts)
    folder = made.folder / "store"
    for kept in (2, 5, 8):
        kill_when(made, lambda kept=kept: len(list(folder.rglob("_reelmill/answers/*/*.json"))) >= kept)
    ended = made.run()
    balanced(made, "captions")
    assert ended["captions"]["totals"]["done"] == len(texts)
    # A request that was in flight when the run was killed is lost; no answer that arrived is.
    assert set(asked(models)) == set(texts)
    assert asked(models).total() <= len(texts) + 3 * 3


def test_007_f06_a_budget_stops_cleanly_and_a_raised_one_continues(models: Models, tmp_path: Path) -> None:
    made = shop(tmp_path, models.url, TEXTS, limits={"tokens": 5 * 120}, concurrency=1)
    ended = made.run()["captions"]
    balanced(made, "captions")
    assert (ended["totals"]["done"], ended["totals"]["skipped"], ended["totals"]["failed"]) == (5, 7, 0)
    assert ended["reasons"] == {"skipped:budget": 7}
    assert ended["counters"]["tokens"] == 600
    assert made.run()["captions"]["segments"] == ended["segments"]
    made.stages = [captions(models.url, limits={"tokens": 8 * 120}, concurrency=1)]
    raised = made.run()["captions"]
    assert (raised["totals"]["done"], raised["totals"]["skipped"]) == (8, 4)
    made.stages = [captions(models.url)]
    balanced(made, "captions")
    assert made.run()["captions"]["totals"] == {"in": 12, "done": 12, "filtered": 0, "failed": 0, "skipped": 0}
    assert asked(models) == Counter(TEXTS)


def test_what_failed_is_retried_and_what_was_paid_still_counts(models: Models, tmp_path: Path) -> None:
    made = shop(tmp_path, models.url, ["fine", "do=refuse", "do=empty:1"])
    first = made.run()["captions"]
    assert made.failures("captions") == {"v1.mp4": "answer_refused", "v2.mp4": "bad_answer"}
    assert first["counters"]["tokens"] == 360
    assert made.tell("retry", "--stage", "captions", "-q").code == 0
    assert made.failures("captions") == {"v1.mp4": "answer_refused"}
    assert made.run()["captions"]["counters"]["tokens"] == 600
    balanced(made, "captions")


def test_007_f07_the_survey_refuses_a_server_that_cannot_be_used(models: Models, tmp_path: Path) -> None:
    made = shop(tmp_path, models.url, TEXTS[:1], model="other")
    for stage, says in (
        (captions(models.url, model="other"), "has no model 'other', but looker"),
        (captions("http://127.0.0.1:1/v1", timeout="2s"), "does not answer"),
    ):
        made.stages = [stage]
        said = made.tell("run", "-q")
        assert said.code == 2
        assert "stage captions" in said.err
        assert says in said.err
    assert not asked(models)
    made.stages = [captions(models.url)]
    assert made.run()["captions"]["totals"]["done"] == 1
    # What is complete needs no server.
    made.stages = [captions("http://127.0.0.1:1/v1", timeout="2s")]
    assert made.run()["captions"]["state"] == "cached"


def test_007_f08_the_key_is_in_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKER_KEY", "sk-very-secret")
    with serving(tmp_path / "models", "--key", "sk-very-secret") as models:
        made = shop(tmp_path, models.url, ["fine", "do=400"])
        made.stages = [captions(models.url, server={"url": models.url, "apiKeyEnv": "LOOKER_KEY"})]
        made.run()
    assert made.ledger("captions")["v1.mp4"].reason == "request_rejected"
    records = [path for path in made.folder.rglob("*") if path.is_file()]
    assert not [path for path in records if b"very-secret" in path.read_bytes()]


def test_the_sample_pipeline_runs_to_its_end(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_API_KEY", "any")
    (spec,) = (one["spec"] for one in yaml.safe_load_all(SAMPLE.read_text()))
    made = Workshop(tmp_path)
    made.film("a.mp4", "b.mp4")
    made.files()
    made.sources[0]["name"] = "videos"
    made.stages = spec["stages"]
    made.stages[1]["caption"] |= {"model": MODEL, "server": {"url": models.url, "apiKeyEnv": "VLM_API_KEY"}}
    ended = made.run()
    assert {name: stage["totals"]["done"] for name, stage in ended.items()} == {"scenes": 2, "captions": 2, "tars": 2}
    assert "a video of 2.0 seconds" in made.items("captions").popitem()[1].fields["text"]


def test_007_p1_captions_are_the_texts_of_what_is_packed(models: Models, tmp_path: Path) -> None:
    made = shop(tmp_path, models.url, TEXTS[:2], field="text")
    made.stages += [{"name": "shards", "pack": {"sampler": "video_only"}}]
    made.run()
    said = {item.fields["text"] for item in made.items("captions").values()}
    assert said == {"2 pictures: film 0", "2 pictures: film 1"}
    tar = next((made.root("shards")).rglob("*.tar")).read_bytes()
    assert all(text.encode() in tar for text in said)
