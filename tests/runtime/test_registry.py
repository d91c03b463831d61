"""A block's name leads to its code, and a name that leads nowhere is a mistake of the user's."""

import subprocess
import sys
from pathlib import Path

import pytest

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.block import SourceBlock, StageBlock
from reelmill.contract.spec.pipeline import SourceSpec, StageSpec, members
from reelmill_stages import registry, sources, stages
from reelmill_stages.stage import Stage

STAGES = [name for name in members(StageSpec, StageBlock) if name != registry.RUN]


@pytest.mark.parametrize("name", STAGES)
def test_every_registered_stage_is_found_by_its_name(name: str) -> None:
    assert issubclass(registry.stage_class(name, {}), Stage)


@pytest.mark.parametrize("name", members(SourceSpec, SourceBlock))
def test_every_registered_source_has_a_module_that_lists_items(name: str) -> None:
    text = Path(sources.__path__[0], f"{name}.py").read_text()
    assert "\ndef list_items(" in text


def test_every_package_of_a_stage_is_registered() -> None:
    folders = {path.parent.name for path in Path(stages.__path__[0]).glob("*/stage.py")}
    assert folders == set(STAGES)


@pytest.mark.parametrize("name", ["nothing", "", "samplers", "clip.stage", "..clip", "a b", "été", "__init__"])
def test_an_unknown_stage_is_named_in_the_error(name: str) -> None:
    with pytest.raises(SpecError, match="unknown stage type") as raised:
        registry.stage(name, {})
    assert repr(name) in str(raised.value)
    assert raised.value.hint


@pytest.mark.parametrize("name", ["nothing", "earlier_items", "listing", "tables.cells"])
def test_a_module_that_lists_nothing_is_no_source(name: str) -> None:
    with pytest.raises(SpecError, match="unknown source type"):
        registry.source(name, {})


def test_every_format_has_one_check() -> None:
    checks = registry.checks()
    assert list(checks) == [
        "captions", "chunks", "clip4mc", "clips", "grids", "index", "lips", "tars", "tokens", "transcripts", "written"
    ]  # fmt: skip
    assert len(checks) == len(list(Path(stages.__path__[0]).glob("*/check.py")))


@pytest.mark.store
def test_finding_a_stage_imports_neither_other_stages_nor_the_whole_resource() -> None:
    program = (
        "import sys\nfrom reelmill_stages import registry\nregistry.stage('clip', {})\n"
        "found = [n for n in sys.modules if n.startswith('reelmill_stages.stages.') and '.clip' not in n]\n"
        "found += [n for n in sys.modules if n == 'reelmill.contract.spec.pipeline']\n"
        "sys.exit(f'imported: {found}' if found else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
