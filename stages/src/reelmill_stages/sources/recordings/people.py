"""Who was filmed, and where: the one name of a person and environment behind the spellings of files and folders.

Videos lie in folders called by Japanese names, label files and annotations say `night_high`; a person is `01` here and
`person_01` there.
"""

import unicodedata
from dataclasses import dataclass
from posixpath import basename

from reelmill.contract.errors import ItemError
from reelmill.contract.reasons import ItemReason
from reelmill_stages.sources.tables.cells import shown

FOLDERS = {"night_high": "夜多い", "night_low": "夜少ない", "day_high": "昼多い", "day_low": "昼少ない"}
"""Key of an environment -> the folder that it is called by."""

_KEYS = {folder: key for key, folder in FOLDERS.items()}
_PREFIX = "person_"


@dataclass(frozen=True, slots=True)
class Recording:
    """One person in one environment. `person` has no prefix; `env` is a key such as `night_high`."""

    person: str
    env: str

    @property
    def folder(self) -> str:
        """What the environment's folder is called where nobody called it otherwise."""
        return FOLDERS.get(self.env, self.env)


def take_of_folders(person: str, env: str) -> Recording:
    """From the names of two folders."""
    return Recording(_plain(person).removeprefix(_PREFIX), _KEYS.get(_plain(env), _plain(env)))


def take_of_file(path: object) -> Recording:
    """From a file's name: `person_{p}_{day|night}_{high|low}`, then anything. Raises ItemError(`bad_name`)."""
    name = basename(path.replace("\\", "/")) if isinstance(path, str) else ""
    stem = name.rpartition(".")[0] or name
    parts = _plain(stem).split("_")
    if len(parts) < 4 or not all(parts[1:4]):
        raise ItemError(
            ItemReason.BAD_NAME, f"{shown(path)} does not say who and where: person_01_night_high_….mp4 does"
        )
    return Recording(parts[1], f"{parts[2]}_{parts[3]}")


def _plain(name: str) -> str:
    """One spelling of each letter: some file systems take the dots off kana."""
    return unicodedata.normalize("NFC", name)
