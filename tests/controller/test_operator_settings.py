"""The operator's settings: the environment, read once."""

import pytest

from reelmill.contract.errors import SpecError
from reelmill.controller.settings import PREFIX, OperatorSettings, read


def test_every_setting_has_a_variable_of_its_name() -> None:
    environment = {
        "REELMILL_NAMESPACES": "a, b",
        "REELMILL_OWN_NAMESPACE": "mill",
        "REELMILL_STAGES_IMAGE": "registry.example/stages:1",
        "REELMILL_WRITE_RATE": "7.5",
        "REELMILL_LEADER_ELECTION": "true",
        "REELMILL_LOG_LEVEL": "DEBUG",
    }
    settings = read(environment)
    assert settings.namespaces == ("a", "b")
    assert settings.own_namespace == "mill"
    assert settings.planning.image == "registry.example/stages:1"
    assert (settings.write_rate, settings.leader_election, settings.log_level) == (7.5, True, "DEBUG")


def test_an_empty_environment_serves_all_namespaces() -> None:
    assert read({}).namespaces == ()


def test_what_is_given_wins_over_the_environment() -> None:
    environment = {"REELMILL_STAGES_IMAGE": "one", "REELMILL_WORKERS": "3"}
    settings = read(environment, stages_image="two", workers=None)
    assert (settings.stages_image, settings.workers) == ("two", 3)


@pytest.mark.parametrize(
    ("variable", "text"),
    [("WORKERS", "many"), ("WRITE_RATE", "0"), ("LOG_LEVEL", "loud"), ("STAGES_PULL_POLICY", "Sometimes")],
)
def test_a_variable_that_cannot_be_read_is_named(variable: str, text: str) -> None:
    with pytest.raises(SpecError, match=f"{PREFIX}{variable}={text}"):
        read({PREFIX + variable: text})


def test_variables_of_service_links_are_no_settings() -> None:
    names = [PREFIX + name.upper() for name in OperatorSettings.model_fields]
    assert not [name for name in names if name.endswith(("_PORT", "_HOST", "_TCP", "_ADDR", "_PROTO"))]
    read({"REELMILL_PORT": "tcp://10.0.0.1:80", "REELMILL_SERVICE_HOST": "10.0.0.1"})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read({}).workers = 3  # type: ignore[misc]
