"""The pages about the status know every field, condition and reason that there is, and none that is not."""

import re

import pytest

from reelmill.contract import status
from reelmill.contract.conditions import ConditionReason, EventReason
from reelmill.contract.model import Model
from reelmill.schema import reasons
from repo.literals import declared_words
from repo.tree import ROOT

REFERENCE = (ROOT / "docs/status.md").read_text()
HANDBOOK = (ROOT / "docs/failure-handbook.md").read_text()
MODELS = [
    kind
    for kind in vars(status).values()
    if isinstance(kind, type) and issubclass(kind, Model) and kind.__module__ == status.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_reference_has_every_field_of_the_status(model: type[Model]) -> None:
    fields = [field.alias or name for name, field in model.model_fields.items()]
    assert not [name for name in fields if f"`{name}`" not in REFERENCE]


def test_the_reference_has_every_condition_and_reason_that_the_operator_can_say() -> None:
    assert not sorted(word for word in declared_words() if f"`{word}`" not in REFERENCE)


def test_the_handbook_has_a_section_for_everything_that_may_need_a_fix() -> None:
    sections = set(re.findall(r"^### (\w+)$", HANDBOOK, re.MULTILINE))
    assert sections == {str(reason) for kind in (ConditionReason, EventReason) for reason in kind if reason.remedy}


def test_every_section_of_the_handbook_says_what_to_do() -> None:
    parts = re.split(r"^### ", HANDBOOK, flags=re.MULTILINE)[1:]
    reasons = {part.split("\n")[0]: part for part in parts if re.match(r"\w+\n", part)}
    assert not [reason for reason, part in reasons.items() if "**What to do:**" not in part]


@pytest.mark.parametrize("name", reasons.PAGES)
def test_the_tables_of_a_page_say_what_is_declared(name: str) -> None:
    text = (ROOT / name).read_text()
    assert reasons.filled(text) == text, "run make generate"


def test_every_table_stands_in_some_page() -> None:
    pages = "".join((ROOT / name).read_text() for name in reasons.PAGES)
    assert not [name for name in reasons.tables() if f"<!-- generated: {name} -->" not in pages]


def test_a_stages_states_are_all_in_the_reference() -> None:
    assert not [state for state in status.StageState.__args__ if f"`{state}`" not in REFERENCE]
