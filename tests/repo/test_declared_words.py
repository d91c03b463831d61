"""Every word that programs may rely on is declared, used by its name, and counted where it is a condition."""

import ast
import re

import pytest

from reelmill.contract.conditions import ConditionReason, ConditionType, EventReason, Recovery, declared
from reelmill.contract.counters import StageCounter, stage_counter
from reelmill.contract.reasons import ItemReason, item_reason
from reelmill.controller.monitoring.metrics import Metrics
from reelmill.controller.state.cache import Cache
from reelmill.controller.state.queue import WorkQueue
from repo.literals import error_names, literal_reasons, speakers, spoken_words
from repo.tree import ROOT, modules, nodes

STAGES = "".join(path.read_text() for name, path in modules() if name.startswith("reelmill_stages."))


def test_no_reason_is_given_as_a_literal() -> None:
    wrong = [f"{name}:{line}: {word}" for name, path in modules() for line, word in literal_reasons(nodes(path))]
    assert not wrong


def test_the_planner_and_the_controller_say_no_word_that_is_not_declared() -> None:
    assert not [f"{name}:{line}: {word}" for name, path in speakers() for line, word in spoken_words(nodes(path))]


@pytest.mark.parametrize(
    "source",
    [
        "raise ItemError('mislaid', f'{path} is lost')",
        "results = [Failed('mislaid')] * 3",
        "return Skipped('over' if full else 'under', 'no room')",
        "row = LedgerRow(key='a', ordinal=0, outcome=Outcome.FAILED, reason='mislaid')",
        "told = InputResult(Outcome.FAILED, 'mislaid', 'it is lost')",
        "said = Event('Warning', 'StageMislaid', 'it is lost')",
        "draft.stalled('StageMislaid', 'it is lost')",
        "Condition(type='Ready', status='True', reason='Mislaid', last_transition_time='')",
        "seen.true('Mislaid')",
    ],
)
def test_a_literal_where_a_declared_word_belongs_is_found(source: str) -> None:
    assert list(literal_reasons(ast.walk(ast.parse(source))))


def test_every_declared_reason_of_items_is_used() -> None:
    assert not [reason for reason in ItemReason if f"ItemReason.{reason.name}" not in STAGES]


def test_every_declared_counter_is_used() -> None:
    assert not [counter for counter in StageCounter if f"StageCounter.{counter.name}" not in STAGES]


def test_no_counter_is_given_as_a_literal() -> None:
    assert not re.findall(r"""(?:counters|noted|strays)(?:\[|[^=\n]{0,24}=\s*\{)\s*f?["'][^"'\n]+["']""", STAGES)


@pytest.mark.parametrize("counter", list(StageCounter))
def test_a_counter_is_a_snake_case_word_with_meaning_and_remedy(counter: StageCounter) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*\*?", counter)
    assert counter.meaning
    assert counter.remedy
    assert stage_counter(str(counter)) is counter
    assert f"| `{counter}` | {counter.counting} |" in (ROOT / "docs/reasons.md").read_text()


def test_every_declared_reason_of_conditions_and_events_is_used() -> None:
    source = "".join(path.read_text() for _, path in speakers())
    names = set(re.findall(r"\b(?:ConditionType|ConditionReason|EventReason)\.([A-Z_]+)", source))
    reasons = [*ConditionType, *ConditionReason, *EventReason]
    assert not [word for word in reasons if word.name not in names and word not in set(error_names())]


@pytest.mark.parametrize("name", list(error_names()))
def test_every_error_that_can_end_a_step_is_declared_with_what_to_do(name: str) -> None:
    reason = declared(name)
    assert reason is not None
    assert reason.remedy
    assert reason.recovery in (Recovery.RETRY, Recovery.EDIT)


@pytest.mark.parametrize("reason", [*ConditionReason, *EventReason])
def test_a_reason_says_what_to_do_exactly_where_somebody_may_have_to(reason: ConditionReason | EventReason) -> None:
    assert reason.meaning
    assert declared(str(reason)) is not None
    if isinstance(reason, ConditionReason):
        assert bool(reason.remedy) == (reason.recovery is not Recovery.NOT_NEEDED)


@pytest.mark.parametrize("reason", list(ItemReason))
def test_a_reason_of_items_is_a_snake_case_word_with_meaning_and_remedy(reason: ItemReason) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", reason)
    assert reason.outcomes
    assert reason.meaning
    assert reason.remedy
    assert item_reason(str(reason)) is reason


def test_a_reason_of_a_users_stage_is_not_a_declared_one() -> None:
    assert item_reason("my_own_reason") is None
    assert declared("Evicted") is None


def test_conditions_are_written_in_one_place() -> None:
    writers = [
        name
        for name, path in modules()
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Condition"
    ]
    assert writers == ["reelmill.plan.status.condition_rules"]


def test_every_condition_is_counted() -> None:
    text = Metrics().text(Cache(), WorkQueue(clock=float, chance=float)).decode()
    counted = re.findall(r'^reelmill_pipelines\{condition="(\w+)"\}', text, re.MULTILINE)
    assert sorted(counted) == sorted(ConditionType)


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_alerts_and_the_dashboard_ask_only_for_declared_conditions(file: str) -> None:
    text = (ROOT / "manifests/observability" / file).read_text().replace('\\"', '"')
    asked = {word for words in re.findall(r'condition=~?"([\w|]+)"', text) for word in words.split("|")}
    assert asked <= {str(type_) for type_ in ConditionType}
