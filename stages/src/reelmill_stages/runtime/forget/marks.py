"""Records that remain of forgotten items: tombstones, and digests of all names that no record may contain any more."""

from collections.abc import Iterable
from dataclasses import dataclass

from reelmill.contract.records.forgotten import (
    Forgetting,
    ForgottenNames,
    Release,
    Tombstone,
    names_record,
    pending,
    tombstone,
    tombstone_digest,
)
from reelmill.contract.records.layout import DataSetPaths
from reelmill_stages.records.record_files import create, load
from reelmill_stages.runtime.forget.search.names import names_of
from reelmill_stages.runtime.forget.segments import replace_record
from reelmill_stages.store import Store


def mark(store: Store, plan: Forgetting) -> None:
    """Write the tombstones of a plan, and the record of its names. Existing ones are kept."""
    for key in plan.keys:
        places = (plan.place,) if plan.place else ()
        new = Tombstone(forgotten=plan.began, places=places, objects=plan.objects.get(key, ()))
        name = tombstone(plan.source, tombstone_digest(plan.source, key))
        stored, ours = create(store, name, new)
        if not ours and (wider := _merged_tombstone(stored, new)) != stored:
            replace_record(store, name, stored, wider)
    record = _forgotten_names(plan)
    create(store, names_record(plan.source, tombstone_digest(plan.source, record.model_dump_json())), record)


def _merged_tombstone(stored: Tombstone, new: Tombstone) -> Tombstone:
    """A tombstone that covers both. One without places covers all places."""
    if not stored.places or not new.places:
        return stored.replace(places=())
    return stored.replace(
        places=tuple(sorted({*stored.places, *new.places})), objects=tuple(sorted({*stored.objects, *new.objects}))
    )


def _forgotten_names(plan: Forgetting) -> ForgottenNames:
    names = names_of(plan)
    return ForgottenNames(
        forgotten=plan.began,
        place=plan.place,
        roots=tuple(DataSetPaths(what.name, what.key).root for what in plan.data_sets),
        items=_object_digests(plan.source, plan.keys),
        names=_object_digests(plan.source, {*names, *names.phrases}),
        words=tuple(sorted(names.lengths)),
        files=_object_digests(plan.source, (file.key for what in plan.data_sets for file in what.files)),
    )


@dataclass(frozen=True, slots=True)
class Released:
    """The user's statement that the findings of a search are something else."""

    keys: tuple[str, ...]
    """Keys of the forgotten items."""
    objects: tuple[str, ...]
    """Keys of the objects of the store that the search found, and that are something else."""
    moment: str
    """Time, UTC in RFC 3339."""
    pipeline: str
    user: str


def release(store: Store, source: str, released: Released) -> None:
    """Record the release in the tombstones, and drop the plan of forgetting items of the source, if there is one."""
    new = Release(
        at=released.moment, by=released.pipeline, user=released.user, objects=_object_digests(source, released.objects)
    )
    for key in released.keys:
        name = tombstone(source, tombstone_digest(source, key))
        stored = load(store, name, Tombstone)
        if stored is not None:
            replace_record(store, name, stored, stored.replace(releases=(*stored.releases, new)))
    store.delete(pending(source))


def _object_digests(source: str, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({tombstone_digest(source, text) for text in texts}))
