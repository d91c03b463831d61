"""What is removed from documents and texts, by its place, by its value and by its form; and what stays."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.text.redaction import REMOVED, Redactor, is_secret, secret_variables, secrets_of

CANARY = "canary-7f3a/b+c"
BY_PLACE: list[Any] = [
    {"env": [{"name": "LEVEL", "value": CANARY}]},
    {"spec": {"containers": [{"env": [{"name": "A", "value": CANARY, "x": 1}]}]}},
    {"annotations": {"example.test/note": CANARY}},
    {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"env": CANARY})}},
    {"managedFields": [{"x": CANARY}]},
    {"env": {"LEVEL": CANARY}},
    {"env": {"key": CANARY}},
    {"env": [{"name": "A", "secretRef": {"name": "s"}, "value": CANARY}]},
    {"env": [{"name": "LEVEL", "value": {"a": [CANARY]}}]},
    {"password": [CANARY]},
    {"secret": {"a": {"b": CANARY}}},
    {"run": {"image": "mine:1", "params": {"a": CANARY}}},
    {"definition": {"stage": "run", "params": {"entrypoint": "mine:Stage", "params": {"a": CANARY}}}},
    {"definition": {"stage": "caption", "params": {"model": "m", "extra": {"a": CANARY}}}},
    {"caption": {"extra": {"header": CANARY}}},
    {"message": f"token=12345678-{CANARY}"},
    {"message": f"password: 2.5x{CANARY}"},
    {"password": CANARY},
    {"apiToken": CANARY},
    {"AWS_SECRET_ACCESS_KEY": CANARY},
    {"s3-session-token": CANARY},
    {"run": {"entrypoint": "mine:Stage", "params": {"a": [{"b": CANARY}]}}},
    {"caption": {"model": "m", "extra": {"header": CANARY}}},
    {"uri": f"s3://me:{CANARY}@bucket/x"},
    {"endpoint": f"https://{quote(CANARY, safe='')}@host.example/"},
    {"message": f"GET https://host.example/a?X-Amz-Signature={CANARY}&b=1 failed"},
    {"message": f"url: /bucket/key?sig={CANARY}"},
    {"message": f"Authorization: Bearer {CANARY}"},
    {"message": f'{{"authorization": "Basic {CANARY}"}}'},
    {"message": f"x-amz-security-token={CANARY}; host=x"},
    {"message": f"AccountName=a;AccountKey={CANARY};EndpointSuffix=x"},
    {"message": f"AWS4-HMAC-SHA256 Credential={CANARY}, SignedHeaders=host, Signature={CANARY}"},
    {"message": f"login with password = '{CANARY}'"},
    {"message": f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----"},
    {"message": f"-----BEGIN PRIVATE KEY-----\\n{CANARY} and the log ends here"},
]
BY_FORM = [
    "AKIAIOSFODNN7EXAMPLE",
    "sk-abcdefgh12345678",
    "ghp_abcdefghijklmnopqrstuvwxyz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-def_ghi",
]
KEPT: list[Any] = [
    {"pass": {"step": "shards", "shards": 3}},
    {"key": "7379aabcdb", "digest": "sha256:915d3f3b13fc97e08e945c98a57aafc740e3124afdc1493176261cd44bd8f795"},
    {"store": {"uri": "s3://bucket/prefix", "endpoint": "http://minio.storage:9000", "secretRef": {"name": "s3"}}},
    {"server": {"url": "http://vllm.models:8000/v1", "apiKeyEnv": "MODEL_KEY"}},
    {"definition": {"stage": "clip", "params": {"by": "length", "uri": "videos"}}},
    {"env": [{"name": "TOKEN", "secretRef": {"name": "variable", "key": "TOKEN"}}]},
    {"env": [{"name": "TOKEN", "secretRef": {"name": "variable"}, "key": "api-key"}]},
    {"message": "apiKeyEnv: MODEL_KEY"},
    {"message": "text: {tokenizer: clip-open}"},
    {"annotations": {"reelmill.dev/retry": "2f9a clips"}},
    {"message": "12 tokens: 40 of 200; budget of tokens = 5000"},
    {"message": "tokens: 40.5. (tokens=3)"},
    {"secret": None, "token": True},
    {"labels": {"app.kubernetes.io/name": "reelmill"}},
    [1, 2.5, None, True, "a film of a cat"],
]


@pytest.mark.parametrize("document", BY_PLACE, ids=json.dumps)
def test_a_secret_is_removed_from_every_place_that_can_hold_one(document: Any) -> None:
    text = json.dumps(Redactor().tree(document))
    assert "canary-7f3a" not in text
    assert json.loads(text)


@pytest.mark.parametrize("secret", BY_FORM)
def test_what_looks_like_a_credential_is_removed_wherever_it_stands(secret: str) -> None:
    assert secret not in Redactor().text(f"the server said {secret}, and closed")
    assert Redactor().text(f"the server said {secret}, and closed").endswith(", and closed")


@pytest.mark.parametrize("document", KEPT, ids=json.dumps)
def test_what_a_report_needs_stays(document: Any) -> None:
    assert Redactor().tree(document) == document


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "MODEL_API_KEY", "password", "sessionToken", "AZURE_STORAGE_KEY"]
)
def test_names_of_credentials(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["key", "monkey", "tokens", "REELMILL_TASK", "secretRef", "stageKey", "tokenizer"])
def test_names_of_other_things(name: str) -> None:
    assert not is_secret(name)


def test_a_value_that_is_known_to_be_secret_is_removed_in_every_encoding() -> None:
    redactor = Redactor(secret_variables({"MY_TOKEN": CANARY, "HOME": "/home/somebody"}))
    for text in (f"<{CANARY}>", "<canary-7f3a%2Fb%2Bc>", "<Y2FuYXJ5LTdmM2EvYitj>"):
        assert redactor.text(text) == f"<{REMOVED}>"
    assert redactor.text("/home/somebody") == "/home/somebody"


def test_a_value_that_is_no_utf_8_is_removed_as_well() -> None:
    value = b"pass-\xff-word".decode(errors="surrogateescape")
    assert Redactor(secret_variables({"MY_TOKEN": value})).text(f"<{value}>") == f"<{REMOVED}>"


def test_a_number_in_a_field_that_is_named_like_a_credential_is_removed() -> None:
    assert Redactor().tree({"password": 12345678}) == {"password": REMOVED}


def test_credentials_in_addresses_of_variables_are_known() -> None:
    redactor = Redactor(secret_variables({"HTTPS_PROXY": "http://robot:proxy-pass@proxy.example:3128", "HOME": "/x"}))
    assert redactor.text("407 for proxy-pass") == f"407 for {REMOVED}"


def test_values_are_learnt_from_the_document_that_holds_them() -> None:
    document = {
        "env": [{"name": "A", "value": "value-of-a"}],
        "uri": "https://user-name:pass-word@host.example",
        "api_key": "the-api-key",
        "other": "kept",
    }
    assert sorted(secrets_of(document)) == ["pass-word", "the-api-key", "user-name", "value-of-a"]
    redactor = Redactor(secrets_of(document))
    assert redactor.text("a: value-of-a, kept, pass-word") == f"a: {REMOVED}, kept, {REMOVED}"


def test_a_line_of_a_log_stays_what_it_was() -> None:
    redactor = Redactor()
    line = json.dumps({"msg": "no", "token": CANARY, "count": 3})
    assert json.loads(redactor.line(line)) == {"msg": "no", "token": REMOVED, "count": 3}
    assert redactor.line("plain text, 5 tokens") == "plain text, 5 tokens"
    assert redactor.line("[1, 2]") == "[1, 2]"


SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="\x7f"), min_size=6, max_size=40
)
WORDS = st.text(max_size=30)


@given(secret=SECRETS, before=WORDS, after=WORDS, name=st.sampled_from(["a", "message", "labels", "uri"]))
def test_no_known_value_survives_in_any_document(secret: str, before: str, after: str, name: str) -> None:
    redactor = Redactor([secret])
    redacted_document = redactor.tree({name: [before + secret + after, {"deep": f"{before} {secret}"}], secret: 1})
    assert secret not in str(redacted_document).replace(REMOVED, "")
    assert secret not in redactor.line(json.dumps({"msg": before + secret + after})).replace(REMOVED, "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=10,
)


@given(document=JSON)
def test_any_document_stays_a_document_and_numbers_stay(document: Any) -> None:
    redacted_document = Redactor(["secret"]).tree(document)
    assert json.loads(json.dumps(redacted_document)) is not ...
    assert type(redacted_document) is type(document)


@given(text=st.text(alphabet="tokenpaswrd=: \"'\\-_.9e", max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once
