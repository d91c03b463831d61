"""Rows are made quickly, and are frozen dataclasses as others are."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from reelmill.contract.records.quick_init import quick_init


@quick_init
@dataclass(frozen=True, slots=True)
class Row:
    key: str
    size: int = 3
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")
        object.__setattr__(self, "key", self.key.strip())


def test_its_parameters_are_those_of_the_dataclass() -> None:
    assert Row(" a ") == Row(key="a", size=3, notes={}) == Row("a", notes={})
    assert list(inspect.signature(Row).parameters) == ["key", "size", "notes"]
    assert repr(Row("a")) == "Row(key='a', size=3, notes={})"


def test_each_instance_has_its_own_default() -> None:
    assert Row("a").notes is not Row("a").notes


@pytest.mark.parametrize(("given", "named"), [((), {}), (("a", 1, {}, 2), {}), (("a",), {"colour": 1})])
def test_other_parameters_are_refused(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="argument"):
        Row(*given, **named)


def test_an_instance_is_frozen() -> None:
    row = Row("a")
    with pytest.raises(FrozenInstanceError):
        row.size = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del row.size  # type: ignore[misc]


def test_what_is_checked_after_the_fields_are_set_is_checked() -> None:
    with pytest.raises(ValueError, match="negative"):
        Row("a", -1)


def test_instances_are_copied_replaced_and_pickled() -> None:
    row = Row("a", 4, {"x": 1})
    for made in (copy.copy(row), copy.deepcopy(row), pickle.loads(pickle.dumps(row)), replace(row)):
        assert type(made) is Row
        assert made == row
    assert replace(row, size=5).size == 5
