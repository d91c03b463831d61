"""What `reelmill forget` leaves in a store: tombstones of source items, and, until it has finished, its plan.

A tombstone has a digest in place of the key: whoever knows the key can tell that it was forgotten, and nobody else.
In rows, an anonymous row takes the place of a forgotten one, so that ordinals, counts and balances stay as they are.
"""

import re

from pydantic import Field

from reelmill.contract.digest import sha256
from reelmill.contract.model import Model
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Object

ANONYMOUS = "_forgotten"
"""Field of an anonymous item."""

TOMBSTONES = f"{INTERNAL}/forgotten/"
"""Prefix of the tombstones of all sources."""
PENDING = f"{INTERNAL}/forgetting/"
"""Prefix of the plans that are carried out now."""
_ANONYMOUS_KEY = re.compile(rf"(?:[^/]+/)?forgotten-[0-9a-f]{{{KEY_DIGITS}}}-\d+(?:-\d+-\d+)?")
_RECORD = re.compile(r"[0-9a-f]{64}\.json")
_NAMES = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}\.names\.json")


def tombstone_digest(source: str, key: str) -> str:
    """The digest (hex) that stands for the item `key` of a source, or for any other text about its items."""
    return sha256(f"{source}\0{key}".encode(errors="surrogatepass")).removeprefix("sha256:")


def tombstones(source: str) -> str:
    """Prefix of the tombstones of a source, whatever its key."""
    return f"{TOMBSTONES}{source}/"


def tombstone(source: str, digest: str) -> str:
    """The tombstone of an item."""
    return f"{tombstones(source)}{digest}.json"


def names_record(source: str, number: str) -> str:
    """The record of what was made of forgotten items; `number` is the beginning of a digest."""
    return f"{tombstones(source)}{number[:KEY_DIGITS]}.names.json"


def is_names_record(key: str) -> bool:
    """Whether the record of what was made of forgotten items has this key."""
    return bool(_NAMES.fullmatch(key.rpartition("/")[2]))


def digest_in(key: str) -> str:
    """The digest in the key of a tombstone; empty for any other object."""
    name = key.rpartition("/")[2]
    return name.removesuffix(".json") if _RECORD.fullmatch(name) else ""


def pending(source: str) -> str:
    """The plan of forgetting items of a source, while it is carried out: one at a time."""
    return f"{PENDING}{source}.json"


def anonymous_key(data_set: str, ordinal: int) -> str:
    """The key of the anonymous row in the place of item `ordinal` of the data set with this key."""
    return f"forgotten-{data_set[:KEY_DIGITS]}-{ordinal}"


def is_anonymous(key: str) -> bool:
    """Whether this is the key of an anonymous row, of a ledger too."""
    return bool(_ANONYMOUS_KEY.fullmatch(key))


def is_forgotten(item: Item) -> bool:
    """Whether an item is an anonymous row. A column of a source may have the name of its field."""
    return item.fields.get(ANONYMOUS) is True and is_anonymous(item.key)


class Release(Model):
    """Somebody has looked at what a search has found, and says that it is of something else."""

    at: str
    """UTC, RFC 3339."""
    by: str
    """`namespace/name` of the pipeline."""
    user: str
    """Who called the command, as the machine knows them; empty: it does not."""
    objects: tuple[str, ...]
    """Digests of the keys of the objects that were found."""


class Tombstone(Model):
    """`_reelmill/forgotten/<source>/<digest>.json`: a source item that no listing may bring back.

    Sources of other places may have the same name, and items with the same key. A tombstone stands for the item in the
    sources of `places`, and wherever it is one of `objects`. One without places was written by an earlier version: it
    stands for every item with this key.
    """

    forgotten: str
    """UTC, RFC 3339."""
    places: tuple[str, ...] = ()
    """Digests of the places of the sources."""
    objects: tuple[str, ...] = ()
    """Digests of the addresses of the item's source objects."""
    releases: tuple[Release, ...] = ()
    """Finds of the search that somebody has said to be of something else."""


class AffectedPart(Model):
    """Rows of one part that have something of forgotten items. All are ranges, such as `0-3,7`."""

    segment: int
    shard: int
    items: str
    """Ordinals of items, in the data set."""
    inputs: str
    """Rows of the ledger whose inputs are affected items of an upstream, or forgotten ones of the source."""
    withdrawn: str
    """Rows of the ledger whose inputs are in a file with affected ones: they are processed again."""
    copies: str = ""
    """Those of them that the stage had dropped as copies of forgotten items."""
    made: dict[int, str] = Field(default_factory=dict)
    """Row of the ledger -> ordinals of the items that `process` made of it, which all are affected."""


class AffectedDataSet(Model):
    """What has to go from one data set."""

    name: str
    key: str
    segment: int = 0
    """Its last segment when the plan was made."""
    upstreams: dict[str, str]
    """Upstream name -> key. Empty for a source."""
    parts: tuple[AffectedPart, ...]
    files: tuple[Object, ...]
    """Output files with something of affected items."""
    views: tuple[str, ...]
    keys: tuple[str, ...]
    """Keys of affected items, and of affected inputs in the ledger."""
    names: tuple[str, ...]
    """Of these, those of items and inputs that have something of forgotten items themselves: not those that are in a
    file with them. No record may have them in the end."""


class Forgetting(Model):
    """`_reelmill/forgetting/<source>.json`: the plan, which is followed to its end, whoever does it."""

    source: str
    keys: tuple[str, ...]
    uris: tuple[str, ...]
    """Source objects of the items, as far as no other item of the source has them."""
    data_sets: tuple[AffectedDataSet, ...]
    """Each after all that were made of it."""
    began: str
    """UTC, RFC 3339."""
    place: str = ""
    """Digest of the place of the source; empty in plans of earlier versions."""
    objects: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Key -> digests of the addresses of the item's source objects."""


class ForgottenNames(Model):
    """`_reelmill/forgotten/<source>/<digest>.names.json`: what was made of forgotten items, as far as it has a name.

    Whatever has a name is a digest here, as in tombstones.
    """

    forgotten: str
    """UTC, RFC 3339."""
    place: str
    """Digest of the place of the source; empty: of an earlier version's plan."""
    roots: tuple[str, ...]
    """Data sets that were gone through."""
    items: tuple[str, ...]
    """Digests of the items' tombstones."""
    names: tuple[str, ...]
    """Names that no record may have: keys of the items and of what was made of them, addresses of source objects."""
    words: tuple[int, ...]
    """Numbers of words that names have."""
    files: tuple[str, ...]
    """The keys of the files that were deleted."""
