"""The description of a data set in Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html).

The record sets `items` and `files` are the tables next to it. With an export, there is one more record set for each
kind of file, with its contents, joined with `files` by path: plain files as `contents-mp4`, the members of tars as
`members-mp4`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reelmill_stages.dataset_card.columns import ROW, TableColumn
from reelmill_stages.dataset_card.media_types import TAR, media_type
from reelmill_stages.dataset_card.tables import FILES, ITEMS

NAME = "croissant.json"
_VERSION = "http://mlcommons.org/croissant/1.1"
_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty",
    "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
    "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_NO_ID = re.compile(r"[^\w.-]")
_TYPES = {
    "boolean": "sc:Boolean",
    "integer": "cr:Int64",
    "number": "cr:Float64",
    "string": "sc:Text",
    "json": "sc:Text",
}
_FILE_FIELDS = (
    ("path", "sc:Text", "The file, relative to this folder."),
    ("item", "sc:Text", "Key of the item that it belongs to."),
    ("size", "cr:Int64", "Its size in bytes."),
    ("sha256", "sc:Text", "Its SHA-256, in hexadecimal digits."),
)


@dataclass(frozen=True, slots=True)
class DescribedFile:
    """A file with its size in bytes and its SHA-256 in hexadecimal digits."""

    path: str
    size: int
    sha256: str

    def described(self, encoding: str, id_: str = "") -> dict[str, Any]:
        """The file as a FileObject; its id is its path by default."""
        return {
            "@type": "cr:FileObject",
            "@id": id_ or self.path,
            "name": self.path,
            "contentUrl": self.path,
            "contentSize": f"{self.size} B",
            "encodingFormat": encoding,
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class ExportContents:
    """The files of an export: patterns of plain files by their extension, tars, and patterns of their members."""

    patterns: Mapping[str, Sequence[str]]
    tars: Sequence[DescribedFile]
    members: Mapping[str, Sequence[str]]

    def record_sets(self) -> dict[str, str]:
        """Record sets with contents -> the type of their files."""
        return {f"contents-{each}": media_type(each).name for each in self.patterns} | {
            f"members-{each}": media_type(each).name for each in self.members
        }


@dataclass(frozen=True, slots=True)
class Heading:
    """The description of the data set as a whole."""

    name: str
    description: str
    version: str
    published: str
    """Publication date; empty if unknown."""
    licences: Sequence[str]


def croissant(
    heading: Heading, tables: Sequence[DescribedFile], columns: Sequence[TableColumn], contents: ExportContents | None
) -> str:
    """The description as JSON-LD. `tables` are the files ITEMS and FILES."""
    parquet = [table.described("application/x-parquet") for table in tables]
    document = {
        "@context": dict(sorted(_CONTEXT.items())),
        "@type": "sc:Dataset",
        "conformsTo": _VERSION,
        "name": heading.name,
        "description": heading.description,
        "version": heading.version,
        **({"datePublished": heading.published} if heading.published else {}),
        **({"license": list(heading.licences)} if heading.licences else {}),
        "distribution": [*parquet, *(_distribution(contents) if contents else ())],
        "recordSet": [_items(columns), _files(), *(_contents(contents) if contents else ())],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _items(columns: Sequence[TableColumn]) -> dict[str, Any]:
    fields = [
        {**_field("items", each.name, _TYPES[each.kind], each.meaning, _column(ITEMS, each.name)), "@id": id_}
        for each, id_ in zip(columns, item_ids(columns), strict=True)
    ]
    return _record_set("items", f"A record for each item; `{ROW}` is all that is known of it.", "key", fields)


def item_ids(columns: Sequence[TableColumn]) -> list[str]:
    """The ids of the fields of `items`: `items/` and the name, with `_` for characters other than letters or digits."""
    taken: dict[str, int] = {}
    found = []
    for column in columns:
        plain = f"items/{_NO_ID.sub('_', column.name)}"
        number = taken[plain] = taken.get(plain, 0) + 1
        found.append(plain if number == 1 else f"{plain}~{number}")
    return found


def _files() -> dict[str, Any]:
    fields = [_field("files", name, type_, meaning, _column(FILES, name)) for name, type_, meaning in _FILE_FIELDS]
    return _record_set("files", "A record for each file of an item.", "path", fields)


def _distribution(contents: ExportContents) -> Iterable[dict[str, Any]]:
    for extension, patterns in contents.patterns.items():
        yield _file_set(f"{extension}-files", extension, list(patterns))
    ids = [f"tar-{number}" for number in range(1, len(contents.tars) + 1)]
    yield from (tar.described(TAR, id_) for tar, id_ in zip(contents.tars, ids, strict=True))
    for extension, patterns in contents.members.items():
        tars = [{"@id": id_} for id_ in ids]
        yield {**_file_set(f"{extension}-members", extension, list(patterns)), "containedIn": tars}


def _file_set(name: str, extension: str, patterns: list[str]) -> dict[str, Any]:
    encodings = media_type(extension).encodings
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "encodingFormat": encodings if len(encodings) > 1 else encodings[0],
        "includes": patterns,
    }


def _contents(contents: ExportContents) -> Iterable[dict[str, Any]]:
    for extension in contents.patterns:
        name, files = f"contents-{extension}", f"{extension}-files"
        path = _property(files, "fullpath") | {"transform": {"regex": "(.*)"}}
        fields = [
            _field(name, "path", "sc:Text", "The file.", path) | {"references": {"field": {"@id": "files/path"}}},
            *(
                _field(name, each, type_, meaning, {"field": {"@id": f"files/{each}"}})
                for each, type_, meaning in _FILE_FIELDS[1:]
            ),
            _content(name, files, extension),
        ]
        yield _record_set(name, f"The contents of files, as {media_type(extension).name}.", "path", fields)
    for extension in contents.members:
        name, files = f"members-{extension}", f"{extension}-members"
        path = _property(files, "fullpath") | {"transform": {"regex": "(.*)"}}
        fields = [
            _field(name, "path", "sc:Text", "Name of the member.", path),
            _content(name, files, extension),
        ]
        yield _record_set(name, f"Members of the tars, as {media_type(extension).name}.", "path", fields)


def _content(record_set: str, files: str, extension: str) -> dict[str, Any]:
    source = _property(files, "content")
    return _field(record_set, "content", media_type(extension).data_type, "The content.", source)


def _record_set(name: str, description: str, key: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "key": {"@id": f"{name}/{key}"},
        "field": fields,
    }


def _field(record_set: str, name: str, type_: str, meaning: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{name}",
        "name": name,
        "description": meaning,
        "dataType": type_,
        "source": source,
    }


def _column(file: str, name: str) -> dict[str, Any]:
    return {"fileObject": {"@id": file}, "extract": {"column": name}}


def _property(files: str, name: str) -> dict[str, Any]:
    return {"fileSet": {"@id": files}, "extract": {"fileProperty": name}}
