"""Lance, by pylance: fragments with files as blobs, and a manifest that combines them into one data set.

A part is a fragment that pylance writes to a separate folder: a `.lance` file with the rows, and `.blob` files with the
unchanged bytes of files. The manifest, which lists the fragments, is the view; its version is the last segment. Lance
finds files outside of the folder `data` by *base paths*, one for each segment, which are absolute: `localise` writes
those of an exported folder (https://lance.org/format/table/layout).
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.stages.write import SHAPE, WriteBlock
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.stages.write.columns import columns_of
from reelmill_stages.stages.write.format import DataSetFormat, FormatPart, FormatSample
from reelmill_stages.stages.write.formats.arrow_types import ListColumns, arrow_type, shape_type
from reelmill_stages.stages.write.samples import VECTOR
from reelmill_stages.untrusted.arrays import map_array

_VERSION = "2.2"
"""Version of the file format; the first one with blobs in separate files."""
_FRAGMENT = "fragment"
_BATCH_BYTES = 32 << 20
_MANIFESTS = "_versions"


class LanceFormat(DataSetFormat):
    """See `DataSetFormat`."""

    suffix = "lance"

    def check(self) -> None:
        if find_spec("lance") is None:
            raise SpecError("Lance needs the package pylance", where="format", hint="install reelmill-stages[lance]")

    def writer(self, path: Path) -> "LanceSamples":
        return LanceSamples(path, self.block)

    def views(self, data: DataSetReader) -> Iterator[File]:
        fragments, last = [], 0
        for item in data.items():
            if item.media is None:
                continue
            last = int(item.media.uri.removeprefix(f"{data.root}/").split("/")[0])
            fragments.append(_fragment_description(item.fields[_FRAGMENT], base=last))
        if fragments:
            path = _write_manifest(data.scratch / "lance", _schema(self.block), fragments, data.uri, version=last)
            yield File(f"{_MANIFESTS}/{path.name}", path)

    def localise(self, view: Path, folder: Path) -> None:
        home = view.parent / "localised"
        (home / _MANIFESTS).mkdir(parents=True)
        shutil.copyfile(view, home / _MANIFESTS / view.name)
        stored = import_module("lance").dataset(str(home))
        fragments = [json.dumps(fragment.metadata.to_json()) for fragment in stored.get_fragments()]
        made = _write_manifest(home / "new", stored.schema, fragments, str(folder), version=stored.version)
        shutil.copyfile(made, view)
        shutil.rmtree(home)


class LanceSamples:
    """Writes one fragment when it is finished: the files of a few samples are in memory at a time."""

    def __init__(self, path: Path, block: WriteBlock) -> None:
        self._path = path
        self._block = block
        columns = columns_of(block)
        self._names = [column.name for column in columns]
        self._lists = ListColumns(columns)
        self._samples: list[tuple[FormatSample, int]] = []

    def add(self, sample: FormatSample) -> None:
        values, size = self._lists.packed(sample.values)
        self._samples.append((replace(sample, values=values), size))

    def finish(self) -> FormatPart:
        arrow: Any = import_module("pyarrow")
        schema = _schema(self._block)
        home = self._path.with_suffix("")
        reader = arrow.RecordBatchReader.from_batches(schema, self._batches(schema))
        (fragment,) = import_module("lance.fragment").write_fragments(
            reader, str(home), schema=schema, data_storage_version=_VERSION, max_rows_per_file=1 << 40
        )
        (written,) = fragment.files
        rows = home / "data" / written.path
        blobs = sorted(rows.with_suffix("").glob("*.blob"))
        files = tuple(File(f"{home.name}/{blob.name}", blob) for blob in blobs)
        rows.replace(self._path)
        described = fragment.to_json()
        described["files"][0]["path"] = self._path.name
        return FormatPart({_FRAGMENT: json.dumps(described)}, files)

    def discard(self) -> None:
        """Do nothing: nothing is written before the end."""

    def _batches(self, schema: Any) -> Iterator[Any]:
        """Yield record batches of about `_BATCH_BYTES` each, or one sample."""
        held: list[FormatSample] = []
        size = 0
        for sample, listed in self._samples:
            held.append(sample)
            size += listed + sum(file.path.stat().st_size for file in sample.files)
            if size >= _BATCH_BYTES:
                yield self._batch(held, schema)
                held, size = [], 0
        if held:
            yield self._batch(held, schema)

    def _batch(self, samples: Sequence[FormatSample], schema: Any) -> Any:
        cells: dict[str, list[Any]] = {name: [] for name in schema.names}
        for sample in samples:
            for name, value in zip(self._names, sample.values, strict=True):
                cells[name].append(value)
            for file in sample.files:
                vector = file.column == VECTOR
                cells[file.column].append(map_array(file.path).reshape(-1) if vector else file.path.read_bytes())
                if vector:
                    cells[SHAPE].append(list(map_array(file.path).shape))
        blobs = [name for name, kind in self._block.media_columns.items() if kind != VECTOR]
        blob_array = import_module("lance.blob").blob_array
        arrays = [
            blob_array(cells[field.name])
            if field.name in blobs
            else self._lists.column(field.name, cells[field.name], field.type)
            for field in schema
        ]
        return import_module("pyarrow").record_batch(arrays, schema=schema)


def _schema(block: WriteBlock) -> Any:
    arrow: Any = import_module("pyarrow")
    blob_field = import_module("lance.blob").blob_field
    key, *others = [arrow.field(column.name, arrow_type(column.kind)) for column in columns_of(block)]
    files = []
    for name, kind in block.media_columns.items():
        if kind == VECTOR:
            files += [arrow.field(name, arrow_type("vector")), arrow.field(SHAPE, shape_type())]
        else:
            files.append(blob_field(name))
    return arrow.schema([key, *files, *others])


def _fragment_description(fragment: str, *, base: int) -> str:
    """Return the description of a fragment whose file is in the segment `base`."""
    described = json.loads(fragment)
    for file in described["files"]:
        file["base_id"] = base
    return json.dumps(described)


def _write_manifest(home: Path, schema: Any, fragments: Sequence[str], uri: str, *, version: int) -> Path:
    """Return the manifest of a data set at `uri` with these fragments, made in the folder `home`."""
    lance = import_module("lance")
    described = [import_module("lance.fragment").FragmentMetadata.from_json(text) for text in fragments]
    numbers = sorted({file.base_id for one in described for file in one.files})
    root = uri if "://" in uri else str(Path(uri).absolute())
    bases = [
        lance.DatasetBasePath(f"{root}/{number:04d}", name=f"{number:04d}", is_dataset_root=False, id=number)
        for number in numbers
    ]
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for number in range(1, version + 1):
        listed = described if number == version else []
        first = {"initial_bases": bases} if number == 1 else {}  # bases belong to the first version
        made = lance.LanceDataset.commit(str(home), lance.LanceOperation.Overwrite(schema, listed, **first))
    assert made.version == version
    return home / _MANIFESTS / f"{2**64 - 1 - version}.manifest"
