"""What a report shows of the file of a pipeline."""

from pathlib import Path

import pytest
import yaml

from reelmill_stages.run_report.document import LONGEST, shown

SAMPLES = sorted((Path(__file__).parents[2] / "manifests/samples").rglob("pipeline.yaml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_a_file_without_secrets_is_shown_as_it_was_written(path: Path) -> None:
    text = path.read_text()
    assert shown(yaml.safe_load(text), text) == text


def test_of_a_file_with_secrets_in_its_data_these_are_shown_without_them() -> None:
    text = "spec: # of AKIACANARYCANARYCANA\n  stages: [{name: a, env: [{name: A, value: canary}]}]\n"
    data = yaml.safe_load(text)
    data["spec"]["stages"][0]["env"][0]["value"] = "[removed]"
    assert yaml.safe_load(shown(yaml.safe_load(text), text)) == data


def test_of_a_comment_with_a_secret_the_rest_is_shown() -> None:
    text = "spec: {} # not AKIACANARYCANARYCANA any more\n"
    assert shown({"spec": {}}, text) == "spec: {} # not [removed] any more\n"


def test_a_file_that_is_too_long_is_cut() -> None:
    text = f"spec: {{}} # {'a' * LONGEST}\n"
    assert shown({"spec": {}}, text) == f"{text[:LONGEST]}\n# … {len(text) - LONGEST:,} more characters"
