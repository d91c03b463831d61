"""The values of a JSON file one at a time: what they mean, what is refused and where, and how much memory it takes."""

import json
import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.errors import SpecError
from reelmill_stages.sources.tables.column_lookup import BadLine
from reelmill_stages.sources.tables.json_stream import numbered_values, values


def read(data: bytes) -> list[Any]:
    return list(values(data, "m.json"))


def test_a_number_keeps_its_type_and_its_digits() -> None:
    data = b"[1, 1.0, 1e3, 0.1, -0.0, 123456789012345678901234567890, 18446744073709551616]"
    found = read(data)
    assert found == [1, 1.0, 1000.0, 0.1, -0.0, 123456789012345678901234567890, 2**64]
    assert [type(one) for one in found] == [int, float, float, float, float, int, int]
    assert math.copysign(1, found[4]) == -1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b'["\\ud83d\\ude00", "\xf0\x9f\x98\x80"]', ["\U0001f600", "\U0001f600"]),
        (b'["\\ud800"]', ["\ud800"]),
        (b'{"a": 1, "a": 2}', [{"a": 2}]),
        (b'{"a":1}\r\n\r\n{"a":2}', [{"a": 1}, {"a": 2}]),
        (b"1 2 3", [1, 2, 3]),
        (b" [ ] \n", []),
        (b" \n", []),
    ],
)
def test_what_a_file_means(data: bytes, expected: list[Any]) -> None:
    assert read(data) == expected


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"[1,\n 2\n 3]", 3, "a comma or ] is missing"),
        (b"[1,\n2,", 2, "the file ends where a value should be"),
        (b"[1,\n2", 2, "the file ends inside the array"),
        (b"[1]\n x", 2, "text after the end of the array"),
        (b'{"a":1}\n{"a":}\n{"a":3}', 2, "Expecting value"),
        (b'[\n"a\tb"]', 2, "Invalid control character"),
        (b"[1,]", 1, "Expecting value"),
        (b"\n" + b"1" * 5000, 2, "a number has more than 4300 digits"),
        (b"\n" + b'{"a":' * 100_001, 2, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_named_with_its_line(data: bytes, line: int, what: str) -> None:
    with pytest.raises(SpecError, match=rf"^m\.json:{line}: not JSON: {what}"):
        read(data)


@given(
    before=st.lists(st.integers(), max_size=3),
    deep=st.integers(1, 3) | st.integers(20_000, 60_000),
    digits=st.integers(1, 6000),
    after=st.lists(st.text('a"[]{},\\\\', max_size=5), max_size=3),
)
def test_what_python_cannot_hold_is_one_bad_value_and_its_neighbours_are_read(
    before: list[int], deep: int, digits: int, after: list[str]
) -> None:
    odd = "[" * deep + '{"]": ' + "7" * digits + r', "\"": ","}' + "]" * deep
    text = ",".join([*map(json.dumps, before), odd, *map(json.dumps, after)])
    found = read(f"[{text}]".encode())
    (middle,) = found[len(before) : len(found) - len(after)]
    assert [*found[: len(before)], *found[len(before) + 1 :]] == [*before, *after]
    assert isinstance(middle, BadLine) == (deep > 3 or digits > 4300)


@pytest.mark.parametrize("name", ["m.json", "m.jsonl"])
def test_a_number_that_python_cannot_hold_is_one_bad_value_before_other_values(name: str) -> None:
    bad, *others = values(b"-" + b"1" * 5000 + b'\n{"a": 1}\n{"a": 2}\n', name)
    assert isinstance(bad, BadLine)
    assert others == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["m.json", "m.jsonl"])
def test_values_of_several_lines_each_are_read_with_the_line_ends_of_any_system(name: str, end: str) -> None:
    text = '\ufeff\n{\n"a": 1\n}\n{\n"a": 2\n}\n'.replace("\n", end)
    assert list(values(text.encode(), name)) == [{"a": 1}, {"a": 2}]
    with pytest.raises(SpecError, match=rf"^{name}:8: not JSON"):
        list(values(text.encode() + b"[{]", name))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_json_lines_are_decoded_one_by_one_whatever_ends_them(end: bytes) -> None:
    data = end.join([json.dumps({"caption": "word " * 20}).encode()] * 20_000)
    tracemalloc.start()
    numbers = [number for number, value in numbered_values(data, "m.jsonl") if value]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert numbers == [*range(1, 20_001)]
    assert peak < 2 * len(data)


def test_a_large_file_is_never_held_as_a_whole() -> None:
    data = json.dumps([{"id": number, "caption": "a man walks " * 40} for number in range(20_000)]).encode()
    tracemalloc.start()
    assert sum(1 for _ in values(data, "m.json")) == 20_000
    assert tracemalloc.get_traced_memory()[1] < len(data) // 2
    tracemalloc.stop()


SPACES = st.text(" \t\r", max_size=3)
NAMES = st.text(st.characters(codec="utf-8"), max_size=3)
ROWS = st.dictionaries(NAMES, st.integers() | st.text(max_size=3), max_size=3)


@given(st.lists(st.tuples(SPACES, ROWS, SPACES), min_size=1, max_size=6), SPACES)
def test_a_carriage_return_between_the_tokens_of_a_line_is_white_space(
    rows: list[tuple[str, dict[str, Any], str]], inside: str
) -> None:
    def line(before: str, row: dict[str, Any], after: str) -> str:
        pairs = [f"{inside}{json.dumps(key)}{inside}:{json.dumps(value)}" for key, value in row.items()]
        return f"{before}{{{f'{inside},'.join(pairs)}}}{after}"

    lines = [line(*row) for row in rows]
    expected = [row for _, row, _ in rows]
    assert list(values("".join(f"{line}\n" for line in lines).encode(), "m.jsonl")) == expected
    *found, bad = values("".join(f"{line}\n" for line in [*lines, "{broken"]).encode(), "m.jsonl")
    assert (found, isinstance(bad, BadLine)) == (expected, True)


def test_values_that_a_carriage_return_separates_keep_their_numbers_and_their_neighbours() -> None:
    data = b'{"a": 1}\r{"b"\r: 2}\n{"c": 3}\r{broken}\r{"d": 4}\n{"e": 5}'
    found = list(numbered_values(data, "m.jsonl"))
    whole = [value for _, value in found if not isinstance(value, BadLine)]
    assert whole == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}, {"e": 5}]
    assert [number for number, _ in found] == [1, 2, 4, 5, 6, 7]
