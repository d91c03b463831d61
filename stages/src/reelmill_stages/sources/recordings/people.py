"""Normalized names of persons and environments in multi-view data sets.

Folders of videos have Japanese names; label files and annotations use names such as `night_high`. A person is `01` or
`person_01`.
"""

import unicodedata
from dataclasses import dataclass
from posixpath import basename

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.sources.tables.cells import shown

FOLDERS = {"night_high": "夜多い", "night_low": "夜少ない", "day_high": "昼多い", "day_low": "昼少ない"}
"""Key of an environment -> name of its folder."""

_KEYS = {folder: key for key, folder in FOLDERS.items()}
_PREFIX = "person_"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of a person in an environment. `person` has no prefix; `env` is a key such as `night_high`."""

    person: str
    env: str

    @property
    def folder(self) -> str:
        """The default name of the folder of the environment."""
        return FOLDERS.get(self.env, self.env)


def take_of_folders(person: str, env: str) -> Recording:
    """Return the recording for the names of the two folders of a video."""
    return Recording(_plain(person).removeprefix(_PREFIX), _KEYS.get(_plain(env), _plain(env)))


def take_of_file(path: object) -> Recording:
    """Return the recording for a file name `person_{p}_{day|night}_{high|low}…`.

    Raises ItemError with the reason `bad_name`.
    """
    name = basename(path.replace("\\", "/")) if isinstance(path, str) else ""
    stem = name.rpartition(".")[0] or name
    parts = _plain(stem).split("_")
    if len(parts) < 4 or not all(parts[1:4]):
        raise ItemError(
            ItemReason.BAD_NAME,
            f"{shown(path)} does not name a person and an environment, as person_01_night_high_….mp4 does",
        )
    return Recording(parts[1], f"{parts[2]}_{parts[3]}")


def _plain(name: str) -> str:
    """Return Unicode-normalized text: some file systems decompose kana."""
    return unicodedata.normalize("NFC", name)
