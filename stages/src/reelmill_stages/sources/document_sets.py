"""Parsers of known data sets of interleaved documents: one function each, from the annotation file to `Document`s.

They do not validate: invalid paths, turns and rows are reported later, one by one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reelmill_stages.sources.tables.column_lookup import BadLine, seen_rows
from reelmill_stages.sources.tables.json_stream import values

SUMMARY = "Summary this video."
"""The question of `merlin-s` that precedes the summary, with the wording of its packing script."""

_GROUP = re.compile(r"(?:<image>)+#\d+(?:\.\d+)?(?:-\d+\.\d+)?#")
_BLANK = re.compile(r"Black background.*:\s*(\d{1,5})\s*,\s*(\d{1,5})\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Blank:
    """A black image of this size in pixels, without a file."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document with interleaved texts and images.

    `images` are paths or `Blank`s, in the order of their placeholders `<image>` in `conversations`, a list of
    `{"from": "human" | "gpt", "value": text}`. `vid` is the id of the document, if it has one.
    """

    images: Any
    conversations: Any
    vid: Any = None


DocumentSet = Callable[[bytes, str], Iterator[Document]]
"""A function from the bytes of the annotation file and its uri (for messages) to documents.

Raises SpecError for a broken file.
"""


def merlin_s(data: bytes, where: str) -> Iterator[Document]:
    """Rows of `image_info` (a list of `{"image_name": path}`) and `text_list`, a text such as
    `<image><image>#0.0-3.2# what happens <image>#3.2-7.0# what follows Summary: all of it`.
    """
    for row in _rows(values(data, where), where, "image_info", "text_list"):
        info = row.get("image_info")
        images = [_image(each) for each in info] if isinstance(info, list) else info
        text = row.get("text_list")
        yield Document(images, questions_and_answers(text) if isinstance(text, str) else text, row.get("id"))


def merlin_un(data: bytes, where: str) -> Iterator[Document]:
    """Rows of `images` (a list of paths) and `conversations`."""
    for row in _rows(values(data, where), where, "images", "conversations"):
        yield Document(row.get("images"), row.get("conversations"), row.get("id"))


DOCUMENT_SETS: Mapping[str, DocumentSet] = {"merlin-s": merlin_s, "merlin-un": merlin_un}


def questions_and_answers(text: str) -> list[dict[str, str]]:
    """Split a text into turns: images with their times are questions, the text after them is the answer.

    Text before the first image belongs to its question. The part of the last answer after `Summary:` answers the
    question `SUMMARY`.
    """
    groups = list(_GROUP.finditer(text))
    if not groups:
        return []
    pairs = [
        [group[0], text[group.end() : after.start() if after else len(text)]]
        for group, after in zip(groups, [*groups[1:], None], strict=True)
    ]
    pairs[0][0] = text[: groups[0].start()] + pairs[0][0]
    last, marked, summary = pairs[-1][1].partition("Summary:")
    pairs[-1][1] = last
    if marked:
        pairs.append([SUMMARY, summary])
    return [
        turn
        for asked, answer in pairs
        for turn in ({"from": "human", "value": asked}, {"from": "gpt", "value": answer})
    ]


def _image(image: Any) -> Any:
    name = image.get("image_name") if isinstance(image, Mapping) else image
    if not isinstance(name, str):
        return name
    if blank := _BLANK.fullmatch(name):
        return Blank(int(blank[1]), int(blank[2]))
    return re.sub(r"(?<!:)/{2,}", "/", name)


def _rows(found: Iterator[Any], where: str, *columns: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows as mappings.

    Any other value becomes an empty mapping, and a line that cannot be read is the value of every column. Raises
    SpecError if no row has one of the columns.
    """
    for row in seen_rows(found, where, *((column,) for column in columns)):
        bad = dict.fromkeys(columns, row) if isinstance(row, BadLine) else {}
        yield row if isinstance(row, Mapping) else bad
