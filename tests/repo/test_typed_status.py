"""A status cannot be changed into something that it cannot be: mypy refuses the edit before anything runs."""

import ast
import re
import subprocess
import sys

import pytest

from reelmill.contract.status import StageStatus
from repo.tree import ROOT, modules, nodes

HEAD = """
from reelmill.contract.status import PassStatus, StageStatus, Status, SurveyStatus
from reelmill.plan.draft import PlanDraft
from reelmill.plan.passes.steps import enter
from reelmill.plan.transitions import step_failed

def edit(draft: PlanDraft, stage: StageStatus, work: PassStatus, survey: SurveyStatus) -> None:
"""
REFUSED = {
    "stage.replace(trys=1)": 'Unexpected keyword argument "trys"',
    "stage.replace(tries='1')": 'incompatible type "str"; expected "int"',
    "stage.replace(pass_=survey)": 'incompatible type "SurveyStatus"; expected "PassStatus | None"',
    "stage.replace(state='resting')": 'Argument "state" to "replace" of "Model" has incompatible type',
    "work.replace(step='opened')": 'Argument "step" to "replace" of "Model" has incompatible type',
    "survey.replace(listed=None)": 'incompatible type "None"; expected "str"',
    "Status().replace(stages=[survey])": 'incompatible type "SurveyStatus"; expected "StageStatus"',
    "StageStatus(name='a', key='b', tries='1')": 'incompatible type "str"; expected "int"',
    "draft.put(survey)": 'incompatible type "SurveyStatus"; expected "StageStatus"',
    "step_failed(stage, tries=2)": 'Unexpected keyword argument "tries"',
    "enter(draft, stage.name, work, 'reopen')": "has incompatible type",
}
ACCEPTED = (
    "stage.replace(tries=stage.tries + 1, pass_=None, stall=None, state='waiting')",
    "stage.replace(pass_=work.replace(step='shards', classes=['missing']), coverage={'raw': 1})",
    "draft.put(step_failed(stage))",
)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What mypy says of each edit; nothing for one that it accepts."""
    edits = [*REFUSED, *ACCEPTED]
    file = tmp_path_factory.mktemp("typed") / "edits.py"
    file.write_text(HEAD + "".join(f"    {edit}\n" for edit in edits))
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-pretty", str(file)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not told.stderr
    assert told.stdout.splitlines()[-1].endswith("(checked 1 source file)"), told.stdout
    first = HEAD.count("\n") + 1
    found = dict.fromkeys(edits, "")
    # What mypy remembers of a file with these lines may carry the folder of an earlier run.
    for line, words in re.findall(rf"{file.name}:(\d+): (.*)", told.stdout):
        found[edits[int(line) - first]] += words
    return found


@pytest.mark.parametrize("edit", REFUSED)
def test_an_edit_with_a_misspelt_field_or_a_wrong_type_is_refused(edit: str, verdicts: dict[str, str]) -> None:
    assert REFUSED[edit] in verdicts[edit]


@pytest.mark.parametrize("edit", ACCEPTED)
def test_a_right_edit_is_accepted(edit: str, verdicts: dict[str, str]) -> None:
    assert not verdicts[edit]


def test_no_model_is_changed_past_the_types() -> None:
    """`model_copy(update=...)`, and a mapping of unknown fields handed to `replace`, are checked by nobody."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, path in modules()
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and name != "reelmill.contract.model"
        if node.func.attr == "model_copy"
        or (node.func.attr == "replace" and any(keyword.arg is None for keyword in node.keywords))
    ]
    assert not wrong


def test_a_field_that_a_model_does_not_have_is_an_error_at_run_time_too() -> None:
    with pytest.raises(TypeError, match="StageStatus has no field trys"):
        StageStatus(name="clips", key="0").replace(trys=1)
