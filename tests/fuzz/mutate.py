"""Mutation of JSON that removes, swaps and nests values, so that inputs remain JSON."""

import json
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from fuzz.targets.scratch import SEPARATOR

_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, 1e308, -1e-9, 2**31, 2**53 + 1, 2**64, -(2**63), 10**400),
    *("", "a", "0", "-1", "\0", "\ud800", "\u202e", "/", "../..", "s3://b/k", "a" * 300, "nan", "2026-01-01T00:00:00"),
    *([], {}, [[]], [{}], {"": None}, [None] * 3, {"key": []}),
)
_DIVIDERS = re.compile(b"(\n|%b)" % re.escape(SEPARATOR))
_BYTES = 3
"""One in this number of mutations changes bytes instead of values."""


def mutated_json(data: bytes, size: int, seed: int, of_bytes: Callable[[bytes, int], bytes]) -> bytes:
    """A mutation of at most `size` bytes, determined by `seed`. Lines and parts are separate values."""
    chance = random.Random(seed)
    lines = _DIVIDERS.split(data)
    place = 2 * chance.randrange(len(lines) // 2 + 1)
    # The first bytes of some targets select a parser.
    start = next((at for at, byte in enumerate(lines[place]) if byte in b'{["'), 0)
    if not chance.randrange(_BYTES):
        return of_bytes(data, size)
    try:
        value = json.loads(lines[place][start:])
    except (ValueError, RecursionError):
        return of_bytes(data, size)
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = _changed(value, chance)
    try:
        lines[place] = lines[place][:start] + json.dumps(value, ensure_ascii=chance.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, RecursionError):
        return of_bytes(data, size)
    made = b"".join(lines)
    return made if len(made) <= size else of_bytes(data, size)


def _changed(value: Any, chance: random.Random) -> Any:
    """The value with one place changed."""
    places = list(_places(value))
    if not places:
        return _odd(chance)
    holder, name = chance.choice(places)
    match chance.randrange(6):
        case 0:
            del holder[name]
        case 1:
            other, its = chance.choice(places)
            holder[name] = json.loads(json.dumps(other[its]))
        case 2 if isinstance(holder, list):
            holder.insert(name, _odd(chance))
        case 2:
            holder[chance.choice(("", "key", "a", str(name) * 2))] = holder[name]
        case 3:
            holder[name] = [holder[name]] if chance.random() < 0.5 else {"key": holder[name]}
        case 4 if isinstance(holder[name], int | float) and not isinstance(holder[name], bool):
            holder[name] = chance.choice((-holder[name], holder[name] + 1, holder[name] * 2, str(holder[name])))
        case _:
            holder[name] = _odd(chance)
    return value


def _odd(chance: random.Random) -> Any:
    """A new object each time: it becomes part of a value that is changed again."""
    return deepcopy(chance.choice(_ODD))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(list or object, index or name) of everything inside."""
    todo = [value]
    while todo:
        inner = todo.pop()
        names = range(len(inner)) if isinstance(inner, list) else [*inner] if isinstance(inner, dict) else ()
        for name in names:
            yield inner, name
            todo.append(inner[name])
