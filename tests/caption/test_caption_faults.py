"""What a server does wrong, one by one, is one clear row: a reason, and a message that says what to look at."""

from itertools import pairwise
from pathlib import Path

import pytest

from caption.booth import Booth
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.spec.model_server import ModelServer
from reelmill_stages.model_servers.client import ModelClient
from reelmill_stages.registry import stage
from reelmill_stages.stage import Done, Failed
from servers.models import MODEL, Models, serving

pytestmark = pytest.mark.store
SCHEMA = {
    "type": "object",
    "properties": {"caption": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["caption", "people"],
}
BRIEF = {"timeout": "8s"}
"""A server that may come back is asked again and again for so long."""
BROKEN = "the connection failed|no answer in time"
"""The last of several requests may be cut off by the end of that time."""
ROWS = [
    ("do=busy-for-an-hour", {}, "server_busy", "the server answered 429: come back later"),
    ("do=down-for-an-hour", {}, "server_failed", "the server answered 503: come back later"),
    ("do=500", {}, "server_failed", "(4 attempts)"),
    ("do=slow", {"timeout": "1s"}, "server_failed", "no answer in time"),
    ("do=drip", BRIEF, "server_failed", "the answer did not end in time"),
    ("do=cut", BRIEF, "server_failed", BROKEN),
    ("do=reset", BRIEF, "server_failed", BROKEN),
    ("do=400", {}, "request_rejected", "the server answered 400: status 400"),
    ("do=413", {}, "request_rejected", "the server answered 413"),
    ("do=fields", {}, "request_rejected", "the server answered 422: seed is not allowed"),
    ("do=page", {}, "bad_answer", "the response is not JSON"),
    ("do=list", {}, "bad_answer", "not a JSON object"),
    ("do=not-utf8", {}, "bad_answer", "the response is not JSON"),
    ("do=no-choices", {}, "bad_answer", "no choices[0].message"),
    ("do=error", {}, "bad_answer", "but the error: the model is loading"),
    ("do=odd-choices", {}, "bad_answer", "no choices[0].message"),
    ("do=huge", {}, "bad_answer", "larger than 16777216 bytes"),
    ("do=surrogate", {}, "bad_answer", "not Unicode"),
    ("do=nul", {}, "bad_answer", "NUL"),
    ("do=empty", {}, "bad_answer", "the answer is empty"),
    ("do=nothing", {}, "bad_answer", "the answer is empty"),
    ("do=parts", {}, "bad_answer", "not a string"),
    ("do=refuse", {}, "answer_refused", "I cannot help with that."),
    ("do=filter", {}, "answer_refused", "content_filter"),
    ("do=length", {}, "answer_cut", "maxTokens"),
    ("do=not-json", {"schema": SCHEMA, "field": "seen"}, "bad_answer", "the answer is not JSON"),
    ("do=nan", {"schema": SCHEMA, "field": "seen"}, "bad_answer", "the answer is not JSON"),
    ("do=deep", {"schema": SCHEMA, "field": "seen"}, "bad_answer", "nested deeper"),
    ("do=other-schema", {"schema": SCHEMA, "field": "seen"}, "bad_answer", "$.people: 'two' is not of type"),
    ("do=schema", {"schema": SCHEMA, "field": "seen", "textProperty": "people"}, "bad_answer", "no text 'people'"),
    ("do=ok", {"prompt": "{measures.luma}"}, "no_field", "'measures.luma'"),
]


@pytest.mark.store  # some wait for seconds
@pytest.mark.parametrize(("text", "params", "reason", "says"), ROWS, ids=[f"{row[0]}-{row[2]}" for row in ROWS])
def test_007_f04_a_fault_of_the_server_is_one_row(
    text: str, params: dict[str, object], reason: str, says: str, models: Models, tmp_path: Path
) -> None:
    result = Booth(tmp_path).ask(models, text, **params)
    assert isinstance(result, Failed), result
    assert result.reason == reason, result
    assert any(words in result.message for words in says.split("|")), result


@pytest.mark.parametrize("text", ["do=busy:2", "do=503:2", "do=500:2", "do=cut:2", "do=reset:2"])
def test_temporary_failures_are_retried(text: str, models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    found = booth.made(booth.ask(models, text))
    assert found.fields["text"].startswith("8 pictures")
    assert models.prompts().count(text) == 3


def test_007_f04_a_request_is_not_repeated_before_the_time_that_the_server_asked_for(
    models: Models, tmp_path: Path
) -> None:
    Booth(tmp_path).ask(models, "wait do=busy:3")
    times = [request["time"] for request in models.log() if request["prompt"].startswith("wait")]
    assert len(times) == 4
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))


@pytest.mark.parametrize("text", ["do=401", "do=403", "do=404", "do=redirect"])
def test_what_is_wrong_for_every_item_stops_the_stage(text: str, models: Models, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as stopped:
        Booth(tmp_path).ask(models, text)
    assert (stopped.value.where, bool(stopped.value.hint)) == (models.url, True)


def test_007_f02_hostile_text_is_kept_as_it_is_and_never_read_as_a_template(models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    said = booth.made(booth.ask(models, "do=hostile")).fields["text"]
    assert said == "\x1b[2J\u202ereversed {text} {{brace}} \U0001f600 </s> <|im_end|> '; DROP TABLE"
    again = booth.made(booth.ask(models, said, prompt="Is this true? {text}"))
    assert again.fields["text"] == f"8 pictures: Is this true? {said}"


@pytest.mark.store  # it waits for seconds
def test_a_server_that_dies_in_the_middle_fails_the_items_that_it_was_asked_about(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    with serving(tmp_path / "models") as models:
        assert isinstance(booth.ask(models, "before"), Done)
        dead = booth.ask(models, "do=die", **BRIEF)
    assert isinstance(dead, Failed)
    assert dead.reason == "server_failed"
    # The answer that it gave before is kept.
    assert isinstance(booth.ask(models, "before"), Done)


def test_007_f08_the_key_is_in_no_message_and_in_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKER_KEY", "sk-very-secret")
    with serving(tmp_path / "models", "--key", "sk-very-secret") as models:
        server = {"url": models.url, "apiKeyEnv": "LOOKER_KEY"}
        told = Booth(tmp_path).ask(models, "do=400", server=server)
        echoed = Booth(tmp_path).ask(models, "the key is sk-very-secret", server=server)
        monkeypatch.setenv("LOOKER_KEY", "sk-wrong-secret")
        with pytest.raises(SpecError) as refused:
            Booth(tmp_path).ask(models, "hello", server=server)
    assert isinstance(told, Failed)
    assert "Bearer ***" in told.message
    assert "401" in refused.value.what
    assert "secret" not in f"{told} {refused.value} {refused.value.hint}"
    assert "secret" not in Booth(tmp_path).made(echoed).fields["text"]


@pytest.mark.parametrize("key", ["x", "null", "EMPTY"])
def test_a_placeholder_for_a_key_changes_no_answer(
    key: str, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKER_KEY", key)
    server = {"url": models.url, "apiKeyEnv": "LOOKER_KEY"}
    booth = Booth(tmp_path)
    text = "EMPTY boxes and null pointers"
    assert booth.made(booth.ask(models, text, server=server)).fields["text"] == f"8 pictures: {text}"


def test_a_key_is_found_in_an_answer_however_json_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKER_KEY", 'sk-"quoted"-secret')
    booth = Booth(tmp_path)
    with serving(tmp_path / "models", "--key", 'sk-"quoted"-secret') as models:
        server = {"url": models.url, "apiKeyEnv": "LOOKER_KEY"}
        echoed = booth.ask(models, 'it is sk-"quoted"-secret', server=server)
    assert booth.made(echoed).fields["text"] == "8 pictures: it is ***"


@pytest.mark.store  # it waits for seconds
def test_a_server_that_answers_again_is_tried_again(models: Models) -> None:
    client = ModelClient(ModelServer(url=models.url), 60.0)

    def ask(text: str) -> str:
        content = [{"type": "text", "text": f"again {text}"}]
        try:
            client.post("/chat/completions", json={"model": MODEL, "messages": [{"role": "user", "content": content}]})
        except ItemError as error:
            return error.reason
        return "done"

    assert [ask("do=500"), ask("do=cut:1 a")] == ["server_failed", "server_failed"]
    assert [ask("do=busy:1 b"), ask("do=cut:1 c")] == ["done", "done"]
    assert [ask("do=500"), ask("do=400"), ask("do=cut:1 d")] == ["server_failed", "request_rejected", "done"]


def test_tokens_of_answers_that_are_refused_count_as_well(models: Models, tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    for text in ("do=refuse", "do=other-schema", "fine", "fine"):
        booth.ask(models, text, schema=SCHEMA if "schema" in text else None, field="seen")
    assert booth.answers.spent == {"tokens": 360, "prompt_tokens": 300, "answer_tokens": 60, "requests": 3}


def test_a_budget_needs_a_server_that_counts(models: Models, tmp_path: Path) -> None:
    for text in ("do=no-usage", "do=odd-usage"):
        assert isinstance(Booth(tmp_path).ask(models, text), Done)
        with pytest.raises(SpecError, match="does not report token counts"):
            Booth(tmp_path).ask(models, text, limits={"tokens": 10})


def test_the_model_is_looked_for_before_anything_is_asked(models: Models) -> None:
    def check(model: str = MODEL, **server: object) -> None:
        stage("caption", {"server": {"url": models.url, **server}, "model": model, "timeout": "60s"}).check_server()

    check()
    with pytest.raises(SpecError, match="no model 'other', but looker"):
        check("other")
    with pytest.raises(SpecError, match="does not answer"):
        check(url="http://127.0.0.1:1/v1")
    with pytest.raises(SpecError, match="the server answered 404"):
        check(url=models.url.removesuffix("/v1"))
    with pytest.raises(SpecError, match="NO_SUCH_KEY is not set"):
        check(apiKeyEnv="NO_SUCH_KEY")
    check("other", checkModel=False)
