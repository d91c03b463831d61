"""Numbers in a data set of Lance, as pylance reads them: exact, or one failed sample."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from reelmill.contract.records.rows import Item
from trainers.lance_home import use_lance
from write.desk import Written, block
from write.exact_numbers import KINDS, NUMBERS, problem_of


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_written_exactly_or_fails_alone_with_what_it_is_not(kind: str, tmp_path: Path) -> None:
    use_lance()
    made = Written(block("lance", media="none", columns=[{"field": "it", "type": kind}]), tmp_path / "set")
    made.add([Item(str(n), n, "a", 1.0, fields={"it": value}) for n, value in enumerate(NUMBERS)])
    problems = {str(n): wrong for n, value in enumerate(NUMBERS) if (wrong := problem_of(value, kind))}
    assert made.failed.keys() == problems.keys()
    assert all(made.failed[key].message.endswith(f" is not {wrong}") for key, wrong in problems.items())
    lance: Any = import_module("lance")
    found = [row["it"] for row in lance.dataset(str(made.folder)).to_table().to_pylist()]
    wanted = [value for value in NUMBERS if not problem_of(value, kind)]
    if kind == "json":
        found = [json.loads(value) for value in found]
    assert repr(found) == repr([float(value) for value in wanted] if kind == "number" else wanted)
