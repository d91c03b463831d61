"""`reelmill tune`: the effect that the rules of a filter stage would have on the items of its inputs in the store."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from reelmill.contract.commands.tuning import Example, RuleEffect, TuneResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import DataSetPaths
from reelmill.contract.records.rows import Item
from reelmill.contract.spec.stages.filter import FilterBlock, Rule
from reelmill.contract.task import StageDef, Task
from reelmill_stages import registry
from reelmill_stages.commands.curation.border_items import BorderItems, Limit
from reelmill_stages.commands.curation.tune_report import PAGE, draw_sheets, write_report, writing
from reelmill_stages.commands.entry import stage_of, store_of
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.records.rows.item_values import ABSENT
from reelmill_stages.results import Failed
from reelmill_stages.stages.filter.rules import ReadyRule, number_shown, ready, shown
from reelmill_stages.summary.field_values import FieldValues, measured_fields
from reelmill_stages.summary.one_moment import at_one_moment

_ALWAYS = ("duration",)
"""Fields that are always shown, measures or not."""


@at_one_moment
def tune(
    task: Task, env: Mapping[str, str], *, stage: str, folder: Path | None = None, examples: int = 6
) -> TuneResult:
    """Apply the rules to all items of the stage's inputs; with `folder`, write a report and sheets of examples there.

    Nothing is written to the store. Raises SpecError for a stage that is not a filter, or whose inputs have no items.
    """
    definition = stage_of(task, stage)
    if definition.type != "filter":
        raise SpecError(f"{stage} is a {definition.type} stage, which has no rules", hint="name a filter stage")
    block = cast(FilterBlock, registry.stage_block(definition.type, definition.params))
    inputs = _inputs(task, env, definition)
    with TemporaryDirectory(prefix="reelmill-tune-") as scratch:
        tuning = Tuning(block, examples, Path(scratch))
        for item in _items(inputs):
            tuning.add(item)
        if not tuning.items:
            names = ", ".join(upstream.name for upstream in definition.upstreams)
            raise SpecError(f"the inputs of {stage} have no items yet: {names}", hint="run the preceding stages first")
        if folder is None:
            return tuning.result(stage)
        with writing(folder, tuning.borders):
            fields = {rule.reason: rule.field for rule in block.rules}
            sheets, unseen = draw_sheets(tuning.borders, fields, task, env, Path(scratch))
            named = [str(folder / sheet.name) for sheet in sheets]
            result = tuning.result(stage, report=str(folder / PAGE), sheets=named, unseen=unseen)
            write_report(result, sheets, folder)
        return result


def _inputs(task: Task, env: Mapping[str, str], stage: StageDef) -> list[DataSet]:
    store = store_of(task, env)
    return [DataSet(store, DataSetPaths(upstream.name, upstream.key)) for upstream in stage.upstreams]


def _items(inputs: list[DataSet]) -> Iterator[Item]:
    for data in inputs:
        yield from data.items()


class Tuning:
    """The rules, and the counts while items are added. `scratch` is a folder for values of fields."""

    def __init__(self, block: FilterBlock, examples: int, scratch: Path) -> None:
        self._scratch = scratch
        self._rules = list(zip(block.rules, ready(block.rules), strict=True))
        self.items = 0
        self._kept = 0
        self._alone, self._first, self._only, self._failing = ([0] * len(self._rules) for _ in range(4))
        self._fields: dict[str, FieldValues] = {}
        for name in (*(rule.field for rule in block.rules), *_ALWAYS):
            self._field(name)
        self.borders = [
            BorderItems(rule.reason, limit, at, examples) for rule in block.rules for limit, at in _limits_of(rule)
        ]
        by_name = {rule.reason: made for rule, made in self._rules}
        self._near: list[tuple[BorderItems, ReadyRule]] = [(each, by_name[each.rule]) for each in self.borders]

    def add(self, item: Item) -> None:
        """Apply every rule to an item, and count it."""
        self.items += 1
        for name in measured_fields(item):
            self._field(name)
        for values in self._fields.values():
            values.add(item)
        dropping = []
        for number, (_, rule) in enumerate(self._rules):
            verdict = rule.judge(item)
            if verdict is not None:
                dropping.append(number)
                self._alone[number] += 1
                self._failing[number] += isinstance(verdict, Failed)
        if not dropping:
            self._kept += 1
        else:
            self._first[dropping[0]] += 1
            self._only[dropping[0]] += len(dropping) == 1
        for border, rule in self._near:
            value = rule.value(item)
            if value is not ABSENT and type(value) in (int, float) and abs(value) < float("inf"):
                border.add(item, value)

    def result(
        self, stage: str, *, report: str = "", sheets: Sequence[str] = (), unseen: Sequence[str] = ()
    ) -> TuneResult:
        """The result. `report`, `sheets` and `unseen` describe the report, if there is one."""
        found = list(self._fields.values())
        return TuneResult(
            stage=stage,
            items=self.items,
            kept=self._kept,
            rules=[self._effect(number) for number in range(len(self._rules))],
            histograms=[made for each in found if (made := each.histogram(self._limits(each.name)))],
            values=[values for each in found if (values := each.values())],
            examples=[
                Example(rule=border.rule, limit=border.limit, kept=kept, key=item.key, value=value)
                for border in self.borders
                for kept in (False, True)
                for item, value in border.nearest(kept=kept)
            ],
            report=report,
            sheets=list(sheets),
            unseen=list(unseen),
        )

    def _limits(self, field: str) -> list[float]:
        """The limits of the rules about a field."""
        rules = [rule for rule, _ in self._rules if rule.field == field]
        return [at for rule in rules for at in (rule.min, rule.max) if at is not None]

    def _field(self, name: str) -> None:
        if name not in self._fields:
            # Earlier items did not have the measure, or the field would be known.
            path = self._scratch / f"{len(self._fields)}.f8"
            self._fields[name] = FieldValues(name, path, missing=max(self.items - 1, 0))

    def _effect(self, number: int) -> RuleEffect:
        rule = self._rules[number][0]
        return RuleEffect(
            name=rule.reason,
            field=rule.field,
            limits=limits(rule),
            min=rule.min,
            max=rule.max,
            alone=self._alone[number],
            first=self._first[number],
            only=self._only[number],
            failing=self._failing[number],
        )


def _limits_of(rule: Rule) -> Iterator[tuple[Limit, float]]:
    if rule.min is not None:
        yield "min", rule.min
    if rule.max is not None:
        yield "max", rule.max


def limits(rule: Rule) -> str:
    """The conditions of a rule in words."""
    found = []
    if rule.min is not None:
        found.append(f"min {number_shown(rule.min)}")
    if rule.max is not None:
        found.append(f"max {number_shown(rule.max)}")
    if rule.in_:
        found.append(f"in {', '.join(map(shown, rule.in_))}"[:80])
    if rule.not_in:
        found.append(f"not in {', '.join(map(shown, rule.not_in))}"[:80])
    if rule.matches is not None:
        found.append(f"matches {rule.matches}"[:80])
    if rule.not_matches is not None:
        found.append(f"does not match {rule.not_matches}"[:80])
    for what, (least, most) in rule.lengths.items():
        if least is not None:
            found.append(f"min {least} {what}")
        if most is not None:
            found.append(f"max {most} {what}")
    return "; ".join(found) + (f"; missing: {rule.missing}" if rule.missing != "fail" else "")
