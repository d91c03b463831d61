"""Every parser of foreign bytes and of our own records: on the corpus, and for some seconds under the fuzzer."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.unavailable import Unavailable
from fuzz.atheris_home import ATHERIS
from fuzz.catalogue import TARGETS
from fuzz.corpus import CORPUS, inputs
from fuzz.limits import TooSlow, timed
from fuzz.minimise import smallest
from fuzz.mutate import mutated_json
from fuzz.session import run
from fuzz.targets import features
from tools.cache import CACHE
from torch_home import torch_home

PIECES = (
    *(b'"', b"[", b"\n", b"0,", b"\0\0\1\x67", b"http://", b'{"a":', b"**/", b"- ", b"\0", b"\xff", b"[],", b"{}\n"),
    *(b"a\n", b"a:"),
)
"""What makes a parser look at the same bytes again and again, where it does not take care."""
SHORT, LONG = 4_000, 16_000
GROWTH = 8.0
"""Between four times as much CPU time, which a linear parser needs for four times as many bytes, and sixteen times."""
LITTLE = 0.25
"""Seconds of CPU time whose growth says nothing."""


@pytest.fixture(autouse=True, scope="module")
def no_process_is_left() -> Iterator[None]:
    yield
    features.close()


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_of_the_corpus_is_parsed_or_refused_by_name(name: str) -> None:
    parse = TARGETS[name].load()
    parse(b"")
    found = inputs(name)
    assert found, f"there is no input of {name}: run python -m fuzz.seeds"
    for path in found:
        try:
            with timed():
                parse(path.read_bytes())
        except BaseException as error:
            error.add_note(f"again: make fuzz ARGS='{name} --input {path}'")
            raise


@pytest.mark.store
@pytest.mark.parametrize("name", TARGETS)
def test_a_piece_that_is_repeated_a_thousand_times_is_parsed_in_linear_time(name: str) -> None:
    parse = TARGETS[name].load()
    parse(b"")
    for piece in PIECES:
        few, many = (cpu_seconds(parse, piece * (size // len(piece))) for size in (SHORT, LONG))
        assert many <= GROWTH * max(few, LITTLE), piece


def cpu_seconds(parse: Callable[[bytes], None], data: bytes) -> float:
    before = time.process_time()
    parse(data)
    return time.process_time() - before


@pytest.mark.store
@pytest.mark.parametrize("name", TARGETS)
def test_inputs_that_the_fuzzer_makes_are_parsed_or_refused_by_name(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    try:
        ATHERIS.find()
        if target.torch:
            torch_home()
    except Unavailable as reason:
        pytest.skip(str(reason))
    findings = CACHE / "fuzz" / "findings" / name
    # So many executions of one seed are the same everywhere; a slow machine stops earlier.
    session = run(target, tmp_path, findings, runs=1000, seconds=target.seconds, flags=["-seed=1"])
    assert session.finding is None, f"{session.said}\nagain: {session.reproduce}"
    assert session.executions
    assert session.branches


def test_the_corpus_holds_inputs_of_targets_only_and_is_small() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < 2 << 20


def test_an_input_that_takes_more_than_its_time_is_stopped() -> None:
    def endless() -> None:
        while True:
            pass

    with pytest.raises(TooSlow), timed(0.05):
        endless()


def test_a_failing_input_is_reduced_to_what_fails() -> None:
    def parse(data: bytes) -> None:
        if b"x" in data and b"yz" in data:
            raise KeyError

    assert smallest(parse, b"aaaaxbbbbbbyzccc") == b"xyz"


@pytest.mark.parametrize("seed", range(40))
def test_a_mutation_of_json_is_another_value_and_the_same_for_one_seed(seed: int) -> None:
    data = b'{"key":"a","outputs":[{"size":1}]}\n{"key":"b"}<|>[1,2]'
    made = [mutated_json(data, 400, seed, lambda one, _size: one[:-1]) for _ in range(2)]
    assert made[0] == made[1] != data
    assert len(made[0]) <= 400
