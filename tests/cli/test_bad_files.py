"""A pipeline file that is wrong gets a line for each thing that is wrong, and exit code 2."""

import json
from pathlib import Path

import pytest

from cli.terminal import PIPELINE, reelmill, write

CASES = {
    "empty": ("", "the file is empty"),
    "only comments": ("# nothing\n", "the file is empty"),
    "a sentence": ("hello there\n", "it has no fields"),
    "a list": ("- a\n- b\n", "it has no fields"),
    "a tab": ("spec:\n\tstore: x\n", "pipeline.yaml:2: tab character"),
    "an open bracket": ("spec: [1, 2\n", "not YAML"),
    "another kind": ("apiVersion: v1\nkind: Pod\n", "pipeline.yaml:2: the kind is 'Pod', not VideoPipeline"),
    "no kind": ("spec: {}\n", "it has no kind"),
    "another version": ("kind: VideoPipeline\napiVersion: reelmill.dev/v9\n", "pipeline.yaml:2: unknown apiVersion"),
    "two documents": (PIPELINE + "---\n" + PIPELINE, "pipeline.yaml:16: the file contains 2 documents"),
    "a field twice": (PIPELINE + "spec: {}\n", "pipeline.yaml:15: the field 'spec' appears twice"),
    "no spec": ("kind: VideoPipeline\napiVersion: reelmill.dev/v1alpha1\nmetadata: {name: x}\n", "spec: is missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_is_not_a_pipeline_gets_one_clear_line(tmp_path: Path, case: str) -> None:
    text, expected = CASES[case]
    said = reelmill("validate", write(tmp_path, text))
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert said.code == 2
    assert len(errors) == 1
    assert expected in errors[0]


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "video.yaml").write_bytes(b"\x00\xff\xfe\x80video")
    said = reelmill("validate", tmp_path / "video.yaml")
    assert (said.code, said.err.splitlines()[0].partition(": ")[2]) == (2, f"{tmp_path}/video.yaml: not a text file")


def test_a_file_that_does_not_exist_and_a_folder_have_different_errors(tmp_path: Path) -> None:
    assert "no such file" in reelmill("validate", tmp_path / "nothing.yaml").err
    assert "this is a folder" in reelmill("validate", tmp_path).err


def test_an_argument_of_the_wrong_kind_is_named_with_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    path = write(tmp_path)
    (tmp_path / "videos").mkdir()
    for words, expected in (
        (("check", path), "this is a file, not a folder\nhint: give its folder; for a pipeline file, add --stage"),
        (("check", "nowhere"), "no such folder\nhint: give a folder of written files"),
        (("init", "videos"), "videos: this is a folder\nhint: name a file in it: videos/pipeline.yaml"),
        (("run", path, "--store", path), "the store is a file, not a folder\nhint: name a folder or a bucket"),
        (("plan", "videos"), "to use the file of that name, write ./videos"),
    ):
        said = reelmill(*words)
        assert (said.code, expected in said.err) == (2, True), said.err


def test_a_misspelt_field_is_named_with_line_path_and_the_nearest_name(tmp_path: Path) -> None:
    path = write(tmp_path, PIPELINE.replace("{count: 2,", "{cuont: 2,"))
    said = reelmill("validate", path)
    assert said.code == 2
    assert said.err == f"error: {path}:14: spec.stages[1].frames.cuont: unknown field; did you mean count?\n"


def test_a_variable_of_reelmills_own_is_refused_with_its_line(tmp_path: Path) -> None:
    env = "    env: [{name: MINE, value: x}, {name: REELMILL_TASK, value: x}]\n"
    path = write(tmp_path, PIPELINE.rstrip("\n") + "\n" + env)
    said = reelmill("validate", path)
    assert said.code == 2
    assert said.err == (
        f"error: {path}:15: spec.stages[1].env[1].name: REELMILL_TASK is reserved for reelmill, which sets it in "
        "every pod; remove it, or use another name\n"
    )


def test_all_problems_are_reported_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        PIPELINE.replace("name: raw", "name: Raw")
        .replace("by: length", "by: lenght")
        .replace("layout: jpg", "layout: 5")
    )
    said = reelmill("validate", write(tmp_path, text))
    assert [line.split(": ")[2] for line in said.err.splitlines()] == [
        "spec.sources[0].name",
        "spec.stages[0].clip.by",
        "spec.stages[1].frames.layout",
    ]  # fmt: skip
    assert "did you mean length?" in said.err


def test_wrong_names_in_from_are_reported_together_with_wrong_fields(tmp_path: Path) -> None:
    text = PIPELINE.replace("- name: pictures", "- name: pictures\n    from: [spasn, pictures]").replace(
        "count: 2,", "cuont: 2,"
    )
    said = reelmill("validate", write(tmp_path, text))
    assert [line.split(": ")[2] for line in said.err.splitlines()] == [
        "spec.stages[1].from[0]",
        "spec.stages[1].from[1]",
        "spec.stages[1].frames.cuont",
    ]  # fmt: skip
    assert "no source or stage named 'spasn'; did you mean 'spans'?" in said.err
    unnamed = text.replace("- name: spans", "- title: spans")
    assert ".from" not in reelmill("validate", write(tmp_path, unnamed)).err


def test_a_wrong_choice_of_a_union_is_one_problem(tmp_path: Path) -> None:
    said = reelmill("validate", write(tmp_path, PIPELINE.replace("count: 2,", "tokenizer: clip-hff, ")))
    assert len(said.err.splitlines()) == 1
    assert (
        "spec.stages[1].frames.tokenizer: 'clip-hff' is not one of clip-hf, clip-open; did you mean clip-hf?"
        in said.err
    )


def test_a_wrong_choice_among_numbers_names_them(tmp_path: Path) -> None:
    grid = PIPELINE + "  - name: features\n    grid: {weights: {uri: w.pt}, input: GIVEN}\n"
    said = reelmill("validate", write(tmp_path, grid.replace("GIVEN", '"112"')))
    assert "grid.input: '112' is not one of 224, 112; write 112 without quotes" in said.err
    said = reelmill("validate", write(tmp_path, grid.replace("GIVEN", "113")))
    assert "grid.input: 113 is not one of 224, 112; did you mean 112?" in said.err


def test_a_field_inside_of_a_union_is_found_too(tmp_path: Path) -> None:
    text = PIPELINE.replace("count: 2,", "tokenizer: {uri: x, diggest: y},")
    assert "tokenizer.diggest: unknown field; did you mean digest?" in reelmill("validate", write(tmp_path, text)).err


def test_the_planners_refusals_carry_lines_too(tmp_path: Path) -> None:
    said = reelmill(
        "validate", write(tmp_path, PIPELINE.replace("- name: pictures", "- name: pictures\n    from: [spasn]"))
    )
    assert said.code == 2
    assert (
        "pipeline.yaml:14: spec.stages[1].from[0]: no source or stage named 'spasn'; did you mean 'spans'?" in said.err
    )


def test_problems_come_as_data_too(tmp_path: Path) -> None:
    said = reelmill("validate", write(tmp_path, PIPELINE.replace("count", "cuont")), "-o", "json")
    (problem,) = json.loads(said.out)["problems"]
    assert (said.code, problem["line"], problem["path"]) == (2, 14, "spec.stages[1].frames.cuont")


def test_numbers_where_kubernetes_takes_them_are_quantities(tmp_path: Path) -> None:
    text = PIPELINE.replace("tolerate: 40%", "tolerate: 3").replace(
        "- name: pictures", "- name: pictures\n    resources: {requests: {cpu: 4}}"
    )
    assert reelmill("validate", write(tmp_path, text)).code == 0


@pytest.mark.parametrize("command", ["plan", "run", "status", "ledger", "retry", "abandon", "prune"])
def test_every_command_refuses_a_wrong_file_alike(tmp_path: Path, command: str) -> None:
    said = reelmill(command, write(tmp_path, PIPELINE.replace("count", "cuont")))
    assert (said.code, "did you mean count?" in said.err) == (2, True)


def test_an_unknown_command_and_an_unknown_option_end_with_2(tmp_path: Path) -> None:
    assert reelmill("frobnicate").code == 2
    assert reelmill("validate", write(tmp_path), "--frobnicate").code == 2
