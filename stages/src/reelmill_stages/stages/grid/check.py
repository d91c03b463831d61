"""`reelmill check` for grid features: the rules of RSTNet's and FSGR's readers, and the attributes of files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill_stages.format_checks import Finding
from reelmill_stages.stages.grid.containers import (
    SUFFIXES,
    ContainerReader,
    container,
    kind_of,
    opened,
    trial,
)
from reelmill_stages.stages.grid.keys import GRIDS, LABELS
from reelmill_stages.stages.grid.rules import arrays, count, naming, physical, provenance, same_images
from reelmill_stages.untrusted.separate_process import SeparateProcess

FORMAT = "grids"
OTHER_SUFFIXES = (".h5", ".hdf", ".he5")
_MERGED = tuple(f"{kind}{suffix}" for kind in (GRIDS, LABELS) for suffix in SUFFIXES.values())


class GridsCheck:
    """The check of a folder with files of features. If there is a merged file, parts are not checked."""

    def detect(self, folder: Path) -> bool:
        return bool(_container_files(folder))

    def check(self, folder: Path) -> Iterator[Finding]:
        files = _container_files(folder)
        with trial(files) as apart:
            yield from self._check_files(folder, files, apart)

    def _check_files(self, folder: Path, files: Sequence[Path], apart: SeparateProcess) -> Iterator[Finding]:
        seen: dict[str, set[int]] = {}
        for path in files:
            name = path.relative_to(folder).as_posix()
            if path.suffix in OTHER_SUFFIXES:
                yield Finding(name, "suffix", False, "readers open HDF5 only with the suffix .hdf5: rename the file")
                continue
            try:
                container(kind_of(path))
                apart.read(path)
                file = opened(path)
            except (OSError, ValueError) as error:
                yield Finding(name, "opens", False, f"the file cannot be opened: {str(error).splitlines()[0]}")
                continue
            except SpecError as error:
                yield Finding(name, "opens", False, f"{error.what}; {error.hint}")
                continue
            try:
                yield from _check_file(name, file, seen)
            except (OSError, ValueError, KeyError) as error:
                yield Finding(name, "opens", False, str(error).splitlines()[0])
            finally:
                file.close()
        yield from same_images(seen)


def _check_file(name: str, file: ContainerReader, seen: dict[str, set[int]]) -> Iterator[Finding]:
    kind = LABELS if name.rpartition("/")[2].startswith(LABELS) else GRIDS
    names = sorted(file.names(), key=lambda each: (len(each), each))
    ids, wrong = naming(name, names, kind)
    yield from wrong
    yield from provenance(name, file)
    yield from count(name, file, ids)
    lost = list(physical(name, file))
    yield from lost
    if not lost and ids:
        yield from arrays(name, file, ids, kind)
    seen.setdefault(kind, set()).update(ids)


def _container_files(folder: Path) -> list[Path]:
    """Return the merged files, or the parts; also HDF5 files with other suffixes."""
    merged = [folder / name for name in _MERGED if (folder / name).is_file()]
    if merged:
        return merged
    named = [path for word in ("features", LABELS) for path in folder.glob(f"**/{word}-*") if _is_container(path)]
    return sorted({*named, *(path for suffix in (".hdf5", *OTHER_SUFFIXES) for path in folder.glob(f"**/*{suffix}"))})


def _is_container(path: Path) -> bool:
    try:
        kind_of(path)
    except SpecError:
        return False
    return True
