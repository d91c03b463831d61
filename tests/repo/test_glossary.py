"""The glossary in docs/concepts.md: one meaning per term, and complete where the code has the list."""

import re

from reelmill.contract.records.rows import Outcome
from reelmill.contract.spec.block import StageBlock
from reelmill.contract.spec.pipeline import StageSpec, members
from reelmill.contract.task import Step
from repo.tree import ROOT

ROWS = re.findall(r"^\| ([a-z ]+) \| (.+) \|$", (ROOT / "docs/concepts.md").read_text(), re.MULTILINE)
GLOSSARY = {term: meaning for term, meaning in ROWS if term != "term"}


def test_every_term_has_one_meaning_and_its_place_in_the_alphabet() -> None:
    terms = [term for term, _ in ROWS if term != "term"]
    assert terms == sorted(set(terms))


def test_the_glossary_names_every_outcome_and_stages_that_there_are() -> None:
    assert set(re.findall(r"`(\w+)`", GLOSSARY["stage"])) <= set(members(StageSpec, StageBlock))
    assert [outcome for outcome in Outcome if f"`{outcome.value}`" not in GLOSSARY["outcome"]] == []


def test_the_steps_of_a_pass_are_terms() -> None:
    assert {f"{step} step" for step in (Step.OPEN, Step.SHARDS, Step.COMMIT)} <= set(GLOSSARY)
    assert Step.SURVEY in GLOSSARY
