"""The help of every command names arguments and values in capitals."""

import re

import pytest
import typer

from cli.terminal import reelmill
from reelmill.cli.app import COMMANDS as SECTIONS
from reelmill.cli.app import app

COMMANDS = [[name] for name in typer.main.get_command(app).commands if name != "operator"] + [["operator", "run"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_arguments_and_values_are_in_capitals(command: list[str]) -> None:
    said = reelmill(*command, "--help")
    assert said.code == 0
    (words,) = re.findall(rf"^Usage: reelmill {' '.join(command)} \[OPTIONS\](.*)$", said.out, re.MULTILINE)
    arguments = re.findall(r"[^ \[\].]+", words)
    assert all(re.fullmatch(r"[A-Z]+", each) for each in arguments), words
    described = re.findall(r"^  ([A-Z]+)  ", said.out.partition("Arguments:")[2].partition("Options:")[0], re.MULTILINE)
    assert described == arguments
    values = re.findall(r"^  -[^ ]+(?:, --[^ ]+)? ([^-/ ]\S*)", said.out.partition("Options:")[2], re.MULTILINE)
    assert all(re.fullmatch(r"[A-Z|]+|<[a-z|]+>", each) for each in values), values


def test_each_command_is_in_one_section_of_the_help() -> None:
    said = reelmill("--help").out
    listed = [name for names in SECTIONS.values() for name in names]
    assert len(listed) == len(set(listed)) == len(typer.main.get_command(app).commands)
    for title, names in SECTIONS.items():
        section = said.partition(f"\n{title}:\n")[2].partition("\n\n")[0]
        assert re.findall(r"^  ([a-z][\w-]*) ", section, re.MULTILINE) == list(names)


def test_an_argument_that_is_missing_is_named_as_in_the_help() -> None:
    said = reelmill("card", "pipeline.yaml")
    assert said.code == 2
    assert "Usage: reelmill card [OPTIONS] PIPELINE STAGE FOLDER" in said.err
    assert "Missing argument 'STAGE'" in said.err
