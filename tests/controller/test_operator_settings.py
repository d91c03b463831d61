"""The operator's settings: the environment, read once."""

import os
from collections.abc import Iterator, MutableMapping
from unittest.mock import patch

import pytest

from reelmill.contract.errors import SpecError
from reelmill.controller.settings import PREFIX, OperatorSettings, read


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[MutableMapping[str, str]]:
    """The variables of this process, restored afterwards; none of ours is set."""
    for name in OperatorSettings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    with patch.dict(os.environ):
        yield os.environ


def test_every_setting_has_a_variable_of_its_name(environment: MutableMapping[str, str]) -> None:
    environment |= {
        "REELMILL_NAMESPACES": "a, b",
        "REELMILL_OWN_NAMESPACE": "mill",
        "REELMILL_STAGES_IMAGE": "registry.example/stages:1",
        "REELMILL_WRITE_RATE": "7.5",
        "REELMILL_LEADER_ELECTION": "true",
        "REELMILL_LOG_LEVEL": "DEBUG",
    }
    settings = read()
    assert settings.namespaces == ("a", "b")
    assert settings.own_namespace == "mill"
    assert settings.planning.image == "registry.example/stages:1"
    assert (settings.write_rate, settings.leader_election, settings.log_level) == (7.5, True, "DEBUG")


@pytest.mark.parametrize("text", ["", " , "])
def test_without_a_namespace_all_are_served(environment: MutableMapping[str, str], text: str) -> None:
    assert read().namespaces == ()
    environment["REELMILL_NAMESPACES"] = text
    assert read().namespaces == ()


def test_an_empty_variable_counts_as_unset(environment: MutableMapping[str, str]) -> None:
    environment |= {"REELMILL_WORKERS": "", "REELMILL_STAGES_IMAGE": ""}
    assert (read().workers, read().stages_image) == (16, "reelmill-stages")


def test_what_is_given_wins_over_the_environment(environment: MutableMapping[str, str]) -> None:
    environment |= {"REELMILL_STAGES_IMAGE": "one", "REELMILL_WORKERS": "3"}
    settings = read(stages_image="two", workers=None)
    assert (settings.stages_image, settings.workers) == ("two", 3)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("WORKERS", "many"),
        ("WRITE_RATE", "0"),
        ("LOG_LEVEL", "loud"),
        ("STAGES_PULL_POLICY", "Sometimes"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(
    environment: MutableMapping[str, str], variable: str, text: str
) -> None:
    environment[PREFIX + variable] = text
    with pytest.raises(SpecError, match=f"^{PREFIX}{variable}={text}: "):
        read()


def test_a_value_that_cannot_be_read_is_reported_without_its_credentials(environment: MutableMapping[str, str]) -> None:
    environment["REELMILL_STAGES_PULL_POLICY"] = "ftp://me:canary@host.example/"
    with pytest.raises(SpecError) as raised:
        read()
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("variable", ["PRICES", "POLICY", "STAGES_POD_LABELS", "STAGES_POD_ANNOTATIONS"])
@pytest.mark.parametrize("text", ["{cpuHour: 1", "[]", '{"cpuHour": 1e999, "app": {}}'])
def test_json_that_cannot_be_read_is_a_named_mistake(
    environment: MutableMapping[str, str], variable: str, text: str
) -> None:
    environment[PREFIX + variable] = text
    with pytest.raises(SpecError, match=f"^{PREFIX}{variable}="):
        read()


def test_every_wrong_variable_is_named_in_one_line(environment: MutableMapping[str, str]) -> None:
    environment |= {"REELMILL_WORKERS": "many", "REELMILL_LEASE_SECONDS": "0"}
    with pytest.raises(SpecError, match=r"^REELMILL_WORKERS=many: [^\n]+; REELMILL_LEASE_SECONDS=0: [^\n]+$"):
        read()


def test_variables_of_service_links_are_no_settings(environment: MutableMapping[str, str]) -> None:
    names = [PREFIX + name.upper() for name in OperatorSettings.model_fields]
    assert not [name for name in names if name.endswith(("_PORT", "_HOST", "_TCP", "_ADDR", "_PROTO"))]
    before = read()
    environment |= {"REELMILL_PORT": "tcp://10.0.0.1:80", "REELMILL_SERVICE_HOST": "10.0.0.1"}
    assert read() == before


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().workers = 3  # type: ignore[misc]
