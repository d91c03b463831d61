"""Records of `reelmill forget` in a store: tombstones of source items and, until it has finished, its plan.

A tombstone has a digest instead of the key, so only those who have the key can detect that it was forgotten. In rows,
an anonymous row replaces a forgotten one, so ordinals, counts and balances do not change.
"""

import re

from pydantic import Field

from reelmill.contract.digest import sha256
from reelmill.contract.model import Model
from reelmill.contract.records.layout import INTERNAL, KEY_DIGITS
from reelmill.contract.records.rows import Item
from reelmill.contract.records.segment import Object

ANONYMOUS = "_forgotten"
"""Field that marks an anonymous item."""

TOMBSTONES = f"{INTERNAL}/forgotten/"
"""Prefix of the tombstones of all sources."""
PENDING = f"{INTERNAL}/forgetting/"
"""Prefix of the plans in progress."""
_ANONYMOUS_KEY = re.compile(rf"(?:[^/]+/)?forgotten-[0-9a-f]{{{KEY_DIGITS}}}-\d+(?:-\d+-\d+)?")
_RECORD = re.compile(r"[0-9a-f]{64}\.json")
_NAMES = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}\.names\.json")


def tombstone_digest(source: str, key: str) -> str:
    """The digest (hex) for the item `key` of a source, or for any other text about its items."""
    return sha256(f"{source}\0{key}".encode(errors="surrogatepass")).removeprefix("sha256:")


def tombstones(source: str) -> str:
    """Prefix of the tombstones of a source, for all its keys."""
    return f"{TOMBSTONES}{source}/"


def tombstone(source: str, digest: str) -> str:
    """The key of the tombstone of an item."""
    return f"{tombstones(source)}{digest}.json"


def names_record(source: str, number: str) -> str:
    """The key of the record of what was made from forgotten items; `number` is the beginning of a digest."""
    return f"{tombstones(source)}{number[:KEY_DIGITS]}.names.json"


def is_names_record(key: str) -> bool:
    """Whether this is the key of a record of what was made from forgotten items."""
    return bool(_NAMES.fullmatch(key.rpartition("/")[2]))


def digest_in(key: str) -> str:
    """The digest in the key of a tombstone; empty for any other object."""
    name = key.rpartition("/")[2]
    return name.removesuffix(".json") if _RECORD.fullmatch(name) else ""


def pending(source: str) -> str:
    """The key of the plan to forget items of a source. A source has at most one plan in progress."""
    return f"{PENDING}{source}.json"


def anonymous_key(data_set: str, ordinal: int) -> str:
    """The key of the anonymous row in the place of item `ordinal` of the data set with this key."""
    return f"forgotten-{data_set[:KEY_DIGITS]}-{ordinal}"


def is_anonymous(key: str) -> bool:
    """Whether this is the key of an anonymous row, of items or of a ledger."""
    return bool(_ANONYMOUS_KEY.fullmatch(key))


def is_forgotten(item: Item) -> bool:
    """Whether an item is an anonymous row. A column of a source may have the same name as its field."""
    return item.fields.get(ANONYMOUS) is True and is_anonymous(item.key)


class Release(Model):
    """A user's statement that the objects found by a search are unrelated to forgotten items."""

    at: str
    """UTC, RFC 3339."""
    by: str
    """`namespace/name` of the pipeline."""
    user: str
    """User name of the caller on the machine; empty: unknown."""
    objects: tuple[str, ...]
    """Digests of the keys of the objects that were found."""


class Tombstone(Model):
    """`_reelmill/forgotten/<source>/<digest>.json`: a source item that no listing may add again.

    Sources of other places may have the same name and items with the same key. A tombstone applies to the item in the
    sources of `places`, and to any item that is one of `objects`. A tombstone without places was written by an earlier
    version and applies to every item with this key.
    """

    forgotten: str
    """UTC, RFC 3339."""
    places: tuple[str, ...] = ()
    """Digests of the places of the sources."""
    objects: tuple[str, ...] = ()
    """Digests of the addresses of the item's source objects."""
    releases: tuple[Release, ...] = ()
    """Search results that a user has declared to be unrelated."""


class AffectedPart(Model):
    """Rows of one part that contain data of forgotten items. All are ranges, such as `0-3,7`."""

    segment: int
    shard: int
    items: str
    """Ordinals of items in the data set."""
    inputs: str
    """Ledger rows whose inputs are affected items of an upstream, or forgotten items of the source."""
    withdrawn: str
    """Ledger rows whose inputs share a file with affected ones and are processed again."""
    copies: str = ""
    """The `withdrawn` rows that the stage had dropped as copies of forgotten items."""
    made: dict[int, str] = Field(default_factory=dict)
    """Ledger row -> ordinals of the items that `process` made from it, all of which are affected."""


class AffectedDataSet(Model):
    """What must be removed from one data set."""

    name: str
    key: str
    segment: int = 0
    """Its last segment when the plan was made."""
    upstreams: dict[str, str]
    """Upstream name -> key. Empty for a source."""
    parts: tuple[AffectedPart, ...]
    files: tuple[Object, ...]
    """Output files that contain data of affected items."""
    views: tuple[str, ...]
    keys: tuple[str, ...]
    """Keys of affected items, and of affected inputs in the ledger."""
    names: tuple[str, ...]
    """The subset of `keys` whose items and inputs contain data of forgotten items, without those that only share a file
    with them. No record may contain them in the end."""


class Forgetting(Model):
    """`_reelmill/forgetting/<source>.json`: the plan, which any later call can complete."""

    source: str
    keys: tuple[str, ...]
    uris: tuple[str, ...]
    """Source objects of the items that no other item of the source uses."""
    data_sets: tuple[AffectedDataSet, ...]
    """Affected data sets; each comes after all that were made from it."""
    began: str
    """UTC, RFC 3339."""
    place: str = ""
    """Digest of the place of the source; empty in plans of earlier versions."""
    objects: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Key -> digests of the addresses of the item's source objects."""


class ForgottenNames(Model):
    """`_reelmill/forgotten/<source>/<digest>.names.json`: the names of what was made from forgotten items.

    All names are digests, as in tombstones.
    """

    forgotten: str
    """UTC, RFC 3339."""
    place: str
    """Digest of the place of the source; empty for a plan of an earlier version."""
    roots: tuple[str, ...]
    """Data sets that were processed."""
    items: tuple[str, ...]
    """Digests of the items' tombstones."""
    names: tuple[str, ...]
    """Names that no record may contain: keys of the items and of items made from them, addresses of source objects."""
    words: tuple[int, ...]
    """Numbers of words that the names consist of."""
    files: tuple[str, ...]
    """The keys of the files that were deleted."""
