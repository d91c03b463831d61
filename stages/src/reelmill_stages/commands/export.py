"""`reelmill export`: write a stage's output into one plain folder, for trainers that cannot read a store.

The folder is laid out like the stage's data set (`0001/clips/…`, views at the top) without reelmill's own records, and
contains committed files only. Paths inside views are absolute; views of a `run` stage stay as its class made them.
Files of other stages that its items refer to (the tars of an index) are placed under their names in the store.

The store may be untrusted: a name in its records is used only if it stays below its data set, nothing is written
through a link, and a file in the folder is replaced only if its mark shows that an export wrote it. The digests of all
files are written next to them, for readers and for `sha256sum --check`.
"""

import filecmp
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from reelmill.contract.commands.result_rows import ExportMode, ExportResult
from reelmill.contract.errors import NotFound, SpecError, StoreError
from reelmill.contract.records import layout
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.records.segment import Object
from reelmill.contract.task import Task
from reelmill_stages import registry
from reelmill_stages.commands.entry import data_set, stage_of, store_of
from reelmill_stages.commands.export_folder import ExportFolder
from reelmill_stages.records.data_set import DataSet, frozen_state, open_data_set
from reelmill_stages.store import Store
from reelmill_stages.store.damage import VIEW, address, changed, gone, view_digest
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.keys import below
from reelmill_stages.store.local.store import LocalStore
from reelmill_stages.summary.one_moment import at_one_moment

THREADS = 8
_OTHER = re.compile(rf"([^/]+/[0-9a-f]{{{KEY_DIGITS}}})/")


@at_one_moment
def export(
    task: Task,
    env: Mapping[str, str],
    name: str,
    folder: Path,
    mode: ExportMode | None = None,
    *,
    verify: bool = True,
    state: str = "",
) -> ExportResult:
    """Make or complete the export of a stage, or of a frozen state of it.

    Existing files with the committed digest are kept.

    Without a mode, files are linked if the store is a folder and downloaded from a bucket. Sizes are always verified;
    without `verify`, linked files and those of an earlier export are not read to compare their digests. Raises
    SpecError for a folder with other contents, and for a link to a file that is not on this machine, StoreError for a
    record that names a file outside its data set, and StoreDamaged for a file that differs from what was committed.
    """
    stage = stage_of(task, name)
    store = store_of(task, env)
    data = open_data_set(store, f"{name}@{state}") if state else data_set(store, stage)
    if data.last is None:
        raise no_output(name, store)
    way = mode or (ExportMode.LINK if isinstance(store, LocalStore) else ExportMode.DOWNLOAD)
    if way is ExportMode.LINK and not isinstance(store, LocalStore):
        raise SpecError("a bucket cannot be linked to", where=store.uri, hint="say --mode download")
    files = dict(_files(data))
    views = _frozen_views(data, state) if state else _views(data)
    place = ExportFolder.claimed(folder.absolute(), data.name, data.names.key, [*files, *views], state)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(partial(_place, store, place, way, verify), files, files.values()))
    # An export only reads: views of a user's class are copied as they are, and its module is not imported.
    made = None if registry.own_code(stage.type, stage.params) else registry.stage(stage.type, dict(stage.params))
    digests: dict[str, str] = {}
    for view, (key, digest) in views.items():
        with place.incoming() as incoming:
            copy = incoming / Path(view).name
            shutil.copyfile(_view(data, key, digest), copy)
            if made:
                made.localise(copy, place.path)
            digests[view] = file_digest(copy)
            place.put(view, copy, keep=partial(filecmp.cmp, copy, shallow=False))
    place.sealed(digests | {name: output.digest for name, output in files.items() if output.digest})
    return ExportResult(
        folder=str(place.path),
        files=len(files) + len(views),
        bytes=sum(output.size for output in files.values()) + sum((place.path / view).stat().st_size for view in views),
        mode=way,
        views=list(views),
    )


def no_output(name: str, store: Store) -> SpecError:
    """The error of a command that needs the output of a stage."""
    return SpecError(f"the stage {name!r} has no output yet", where=store.uri, hint="run the pipeline first")


Views = Mapping[str, tuple[str, str]]
"""Name of a view -> its key, and its digest (`sha256:<hex>`; empty: that of its metadata)."""


def _views(data: DataSet) -> Views:
    record = data.record()
    views = {view: (data.names.view(view), "") for view in (record.views if record else ())}
    for key, _ in views.values():
        _name(data, key, data.names.stage_json)
    return views


def _frozen_views(data: DataSet, state: str) -> Views:
    found = {}
    for view in frozen_state(data.store, state, data.name).views:
        _name(data, data.names.view(view.name), layout.frozen(state))
        found[view.name] = layout.frozen_view(state, data.name, view.name, view.digest), view.digest
    return found


def _view(data: DataSet, key: str, digest: str) -> Path:
    """A local file with a view. Raises StoreDamaged if it is missing, or does not match its digest."""
    where = address(data.store, key)
    try:
        path = data.fetch(key)
        wanted = digest or view_digest(data.store, data.store.stat(key))
    except NotFound as error:
        raise gone(where, VIEW) from error
    if wanted and (found := file_digest(path)) != wanted:
        raise changed(where, wanted, found, VIEW)
    return path


def _files(data: DataSet) -> Iterator[tuple[str, Object]]:
    """(path in the folder, object) of all files of the stage's items."""
    for segment in data.segments():
        for part in segment.parts:
            for output in part.outputs:
                yield _name(data, output.key, data.paths(segment.segment).segment_json), output
            for item in data.part_items(part):
                record = part.items.key if part.items else ""
                for made in item.outputs:
                    yield _name(data, made.key, record), Object(key=made.key, size=made.size, digest=made.digest)
                media = item.media
                if media and not media.source and "://" not in media.uri and not media.uri.startswith(f"{data.root}/"):
                    yield (
                        _path_of_other_data_set(data, media.uri, record),
                        Object(key=media.uri, size=media.size, digest=media.digest),
                    )


def _name(data: DataSet, key: str, record: str) -> str:
    """The path in the folder for a file of this data set. Raises StoreError, with the record, if it is outside."""
    try:
        return below(key, data.root)
    except StoreError as error:
        raise _outside_error(data.store, key, record) from error


def _path_of_other_data_set(data: DataSet, key: str, record: str) -> str:
    """The path in the folder for a file of another data set."""
    match = _OTHER.match(key)
    try:
        below(key, match[1] if match else "")
    except StoreError as error:
        raise _outside_error(data.store, key, record) from error
    return key


def _outside_error(store: Store, key: str, record: str) -> StoreError:
    return StoreError(
        f"this record names a file outside of its data set: {key[:200]!r}",
        where=f"{store.uri.rstrip('/')}/{record}",
        hint="reelmill never writes such a record: nothing was exported; do not trust this store",
    )


def _place(store: Store, place: ExportFolder, mode: ExportMode, verify: bool, name: str, output: Object) -> None:
    def is_there(path: Path) -> bool:
        if path.is_symlink():
            return isinstance(store, LocalStore) and path.readlink() == store.root / output.key
        return path.stat().st_size == output.size and (not output.digest or file_digest(path) == output.digest)

    # For a link, this reads the file in the store: if that is damaged, linking it again fails below.
    if place.has(name, output.size) and (
        not verify or not output.digest or file_digest(place.path / name) == output.digest
    ):
        return
    with place.incoming() as folder:
        where = address(store, output.key)
        try:
            fetched = store.fetch(output.key, folder)
        except NotFound as error:
            raise gone(where) from error
        incoming = folder / "file"
        if mode is ExportMode.LINK:
            incoming.symlink_to(fetched)
        elif isinstance(store, LocalStore):
            shutil.copyfile(fetched, incoming)
        else:
            incoming = fetched
        if (size := incoming.stat().st_size) != output.size:
            raise changed(where, f"{output.size} bytes", f"{size} bytes")
        if (
            (verify or mode is not ExportMode.LINK)
            and output.digest
            and (found := file_digest(incoming)) != output.digest
        ):
            raise changed(where, output.digest, found)
        place.put(name, incoming, keep=is_there)
