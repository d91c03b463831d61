"""A YAML document with line numbers, so that an error in a field can name its line.

Duplicate keys, tabs, several documents, files that are not YAML, and files that would take long to read (see
`document_size`) are rejected here, each with one error.
"""

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reelmill.cli.input.document_size import CHARACTERS, RefusedDocument, check_size
from reelmill.contract.errors import SpecError

Path_ = tuple[str | int, ...]
NUMBER_LENGTH = 100
"""Maximum number of characters of a number."""
_CHARACTER_BYTES = 4
"""Maximum number of bytes of a UTF-8 character."""
_READ_DIFFERENTLY = re.compile(r"[-+]?(?:0[0-9_]+|0o[0-7_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)")
"""Plain scalars that are octal or sexagesimal numbers in YAML 1.1 but not in YAML 1.2. kubectl reads 017 as 15 and 1:30
as text, PyYAML reads 15 and 90, and people read 17.
"""
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One mapping: `file` as given by the user, the `data`, the line (from 1) of every path in it, and its `text`."""

    file: str
    data: dict[str, Any]
    lines: dict[Path_, int]
    text: str = ""
    """Empty for a resource of a cluster."""

    def line(self, path: Sequence[str | int]) -> int:
        """Line (from 1) of a path, or of its nearest existing parent."""
        return next(
            (self.lines[tuple(path[:end])] for end in range(len(path), -1, -1) if tuple(path[:end]) in self.lines), 1
        )


class _Loader(yaml.SafeLoader):
    """A SafeLoader that rejects duplicate keys and scalars that are not values."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return super().construct_object(node, deep=deep)
        if node.tag in _NUMBERS and len(node.value) > NUMBER_LENGTH:
            raise RefusedDocument(f"a number of {len(node.value)} digits", node.start_mark)
        if node.style is None and _READ_DIFFERENTLY.fullmatch(node.value):
            raise RefusedDocument(
                f"{node.value[:NUMBER_LENGTH]}: programs read this as different numbers, or as text; write a number "
                "without leading zeros and colons, or quote the text",
                node.start_mark,
            )
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError, LookupError, AttributeError) as error:
            kind = node.tag.rpartition(":")[2]
            raise RefusedDocument(f"this is not a value of the type {kind}", node.start_mark) from error


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    loader.flatten_mapping(node)
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key_node, yaml.CollectionNode):
            raise RefusedDocument("the name of a field cannot be a list or a mapping", key_node.start_mark)
        if key in seen:
            raise RefusedDocument(f"the field {key!r} appears twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def read(file: str) -> YamlDocument:
    """Read the single document of a file. Raises SpecError, with `where` as `file:line` if the line is known."""
    path = Path(file)
    try:
        with path.open("rb") as source:  # a device may have no end
            text = source.read(_CHARACTER_BYTES * CHARACTERS + 1).decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError("no such file", where=file, hint="create one with: reelmill init") from None
    except IsADirectoryError:
        raise SpecError(
            "this is a folder, not a pipeline file", where=file, hint="give the path of the YAML file in it"
        ) from None
    except UnicodeDecodeError:
        raise SpecError("not a text file", where=file, hint="a pipeline is YAML in UTF-8") from None
    except OSError as error:
        raise SpecError(error.strerror or str(error), where=file) from None
    return parse(text, file)


def parse(text: str, file: str) -> YamlDocument:
    """Parse the single document of a text; `file` is its name in messages. Raises SpecError."""
    try:
        check_size(text, _Loader)
        nodes = [node for node in yaml.compose_all(text, Loader=_Loader) if not _is_empty(node)]
        if not nodes:
            raise SpecError("the file is empty", where=file, hint="create a pipeline with: reelmill init")
        if len(nodes) > 1:
            line = nodes[1].start_mark.line + 1
            raise SpecError(
                f"the file contains {len(nodes)} documents; the second begins here",
                where=f"{file}:{line}",
                hint="put each VideoPipeline into a file of its own",
            )
        (node,) = nodes
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(
                "this is not a pipeline: it has no fields", where=file, hint="for an example, run: reelmill init -"
            )
        loader = _Loader("")
        try:
            data = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text, file) from None
    except yaml.YAMLError as error:
        raise SpecError(f"not YAML: {' '.join(str(error).split())}", where=file) from None
    return YamlDocument(file, data, dict(_lines(node, ())), text)


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null")


def _lines(node: yaml.Node, path: Path_) -> Iterator[tuple[Path_, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, str(key.value)))
            yield (*path, str(key.value)), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, (*path, number))


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> SpecError:
    mark = error.problem_mark or error.context_mark
    where = f"{file}:{mark.line + 1}" if mark else file
    lines = text.splitlines()
    if mark and mark.line < len(lines) and "\t" in lines[mark.line]:
        return SpecError(
            "tab character: YAML is indented with spaces only", where=where, hint="replace the tabs with spaces"
        )
    problem = error.problem or "unreadable"
    return SpecError(problem if isinstance(error, RefusedDocument) else f"not YAML: {problem}", where=where)
