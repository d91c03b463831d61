"""A pipeline file that is small and would take long to read gets one clear line, and so do values that are none."""

import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.terminal import PIPELINE, lines, reelmill, write
from reelmill.cli.input.document import parse
from reelmill.cli.input.document_size import CHARACTERS, DEPTH, NODES
from reelmill.contract.errors import SpecError

LETTERS = "abcdefghij"


def chained(first: str, form: str) -> str:
    """Nine levels of aliases, each of which names the one before nine times."""
    pairs = pairwise(LETTERS)
    return f"a: &a {first}\n" + "".join(
        f"{name}: &{name} {form.format(','.join([f'*{before}'] * 9))}\n" for before, name in pairs
    )


HOSTILE = {
    "lists of aliases": (chained("[x]", "[{}]"), f"more than {NODES} values, through aliases"),
    "merged aliases": (chained("{x: 1}", "{{<<: [{}]}}"), f"more than {NODES} values, through aliases"),
    "a chain of aliases": (
        "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(200)),
        f"nested deeper than {DEPTH} levels",
    ),
    "an alias of itself": ("a: &a [*a]\n", "*a refers to a value that contains it"),
    "brackets": ("[" * 1000, f"nested deeper than {DEPTH} levels"),
    "a key of brackets": ("{" * 1000, f"nested deeper than {DEPTH} levels"),
    "indented lists": ("a:\n" + "".join(" " * i + "- \n" for i in range(300)), f"nested deeper than {DEPTH} levels"),
    "5000 digits": ("spec: {stages: [{shards: " + "9" * 5000 + "}]}\n", "a number of 5000 digits"),
    "5000 parts of an hour": ("spec: " + "1:" * 5000 + "1\n", "a number of 10001 digits"),
    "an octal number": ("spec: {stages: [{shards: 017}]}\n", "1: 017: programs read this as different numbers"),
    "a number with a leading zero": ("spec: 08\n", "08: programs read this as different numbers"),
    "an octal number of YAML 1.2": ("spec: -0o17\n", "-0o17: programs read this as different numbers"),
    "minutes": ("spec:\n  a: 1:30\n", "2: 1:30: programs read this as different numbers"),
    "a day that no month has": ("spec: 2001-02-30\n", "not a value of the type timestamp"),
    "no number": ("spec: !!int x\n", "not a value of the type int"),
    "no truth": ("spec: !!bool x\n", "not a value of the type bool"),
    "a list as a name": ("? [a]\n: 1\n", "cannot be a list or a mapping"),
    "a date as a name": (
        f"{PIPELINE}2024-01-01: x\n",
        "1: the name of a field must be a string; put '2024-01-01' in quotes",
    ),
    "a number as a name": (f"{PIPELINE}5: x\n", "the name of a field must be a string; put '5' in quotes"),
    "a megabyte": ("a: |\n" + " x\n" * 400_000, "longer than"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_gets_one_clear_line(tmp_path: Path, case: str) -> None:
    text, expected = HOSTILE[case]
    said = reelmill("validate", write(tmp_path, text))
    assert said.code == 2
    (error, *hints) = lines(said.err)
    assert error.startswith("error: ")
    assert expected in error
    assert case == "a megabyte" or "pipeline.yaml:" in error
    assert all(hint.startswith("hint: ") for hint in hints)


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_device_without_end_is_read_no_further_than_a_pipeline_may_be_long(command: str) -> None:
    said = reelmill(command, "/dev/zero")
    assert (said.code, said.err) == (2, f"error: /dev/zero: the file is longer than {CHARACTERS} characters\n")


def test_of_very_many_problems_the_first_are_reported(tmp_path: Path) -> None:
    said = reelmill("validate", write(tmp_path, PIPELINE + "".join(f"  k{number}: 1\n" for number in range(4_000))))
    printed_lines = list(lines(said.err))
    assert (said.code, len(printed_lines)) == (2, 101)
    assert printed_lines[-1].endswith(": and 3900 more; correct these first")


@pytest.mark.parametrize("text", ["uri: " + "d" * 500_000, "uri: store\n    endpoint: " + "é" * 500_000])
def test_a_message_shows_the_beginning_of_a_long_value(tmp_path: Path, text: str) -> None:
    said = reelmill("validate", write(tmp_path, PIPELINE.replace("store: {uri: store}", f"store:\n    {text}")))
    assert said.code == 2
    assert len(said.err) < 500


@pytest.mark.parametrize("slashes", ["://", ":/", ":\\\\", ":///", ":\\", "//"])
@pytest.mark.parametrize("scheme", ["s3", "S3", "https", "az", "my+scheme"])
def test_a_mistyped_address_with_a_password_is_no_path(tmp_path: Path, scheme: str, slashes: str) -> None:
    uri = f"{'' if slashes == '//' else scheme}{slashes}somebody:hunter2@bucket/prefix"
    said = reelmill("validate", write(tmp_path, PIPELINE.replace("store: {uri: store}", f"store: {{uri: '{uri}'}}")))
    assert said.code == 2
    assert "a URI must not contain credentials" in said.err
    assert "hunter2" not in said.err


@pytest.mark.parametrize("uri", ["/data/a:b@c", "data@home/x:y", "C:/videos/raw", "./a:b@c", "s3://bucket/a:b@c"])
def test_a_path_may_have_colons_and_at_signs(tmp_path: Path, uri: str) -> None:
    said = reelmill("validate", write(tmp_path, PIPELINE.replace("store: {uri: store}", f"store: {{uri: '{uri}'}}")))
    assert said.code == 0, said.err


def test_anchors_and_aliases_of_a_usual_size_stay(tmp_path: Path) -> None:
    text = PIPELINE.replace("{count: 2,", "&picture {count: 2,") + "  - {name: more, from: [spans], frames: *picture}\n"
    assert reelmill("validate", write(tmp_path, text)).code == 0


SCALARS = st.one_of(
    st.integers(-(10**90), 10**90).map(str),
    st.integers(1, 400).map(lambda exponent: f"1e+{exponent}"),
    st.sampled_from([".inf", "-.inf", ".nan", "1:2:3", "2001-01-01", "~", "!!set {a}", "!!binary aGk=", "'9s'"]),
    st.integers(1, 6000).map(lambda digits: "'" + "9" * digits + "s'"),
)
FIELDS = ["{count: 2,", "length: 1s", "tolerate: 40%", "width: 32", "kind: VideoPipeline", "name: small", "uri: store"]


@settings(max_examples=60, deadline=None)
@given(field=st.sampled_from(FIELDS), scalar=SCALARS)
def test_no_scalar_in_any_field_is_a_bug_of_reelmill(
    tmp_path_factory: pytest.TempPathFactory, field: str, scalar: str
) -> None:
    name, _, rest = field.partition(":")
    text = PIPELINE.replace(field, f"{name}: {scalar}{',' if rest.endswith(',') else ''}")
    said = reelmill("validate", write(tmp_path_factory.mktemp("scalar"), text))
    assert said.code in (0, 2), said.err


@settings(max_examples=200, deadline=None)
@given(st.text("[]{}&*a-:?!<'\"|> \n0", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SpecError):
        parse(text, "pipeline.yaml")


@pytest.mark.parametrize("name", ["index.json", "sub/a.tar", "link.npz"])
def test_a_pipe_in_a_folder_to_check_is_named_and_not_read(tmp_path: Path, name: str) -> None:
    place = tmp_path / "tars" / name
    place.parent.mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe")
    if name.startswith("link"):
        place.symlink_to(tmp_path / "pipe")
    else:
        os.mkfifo(place)
    said = reelmill("check", str(tmp_path / "tars"))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {place}: a pipe, a socket or a device, not a file")


def test_an_address_with_a_password_is_not_repeated_by_check() -> None:
    said = reelmill("check", "s3://somebody:hunter2@bucket/prefix")
    assert said.code == 2
    assert "an address with credentials is not a folder" in said.err
    assert "hunter2" not in said.out + said.err
