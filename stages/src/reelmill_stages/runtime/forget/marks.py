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
        stands, ours = create(store, name, new)
        if not ours and (wider := _wider(stands, new)) != stands:
            replace_record(store, name, stands, wider)
    record = _names(plan)
    create(store, names_record(plan.source, tombstone_digest(plan.source, record.model_dump_json())), record)


def _wider(stands: Tombstone, new: Tombstone) -> Tombstone:
    """A tombstone that covers both. One without places covers all places."""
    if not stands.places or not new.places:
        return stands.replace(places=())
    return stands.replace(
        places=tuple(sorted({*stands.places, *new.places})), objects=tuple(sorted({*stands.objects, *new.objects}))
    )


def _names(plan: Forgetting) -> ForgottenNames:
    names = names_of(plan)
    return ForgottenNames(
        forgotten=plan.began,
        place=plan.place,
        roots=tuple(DataSetPaths(what.name, what.key).root for what in plan.data_sets),
        items=_digests(plan.source, plan.keys),
        names=_digests(plan.source, {*names, *names.phrases}),
        words=tuple(sorted(names.lengths)),
        files=_digests(plan.source, (file.key for what in plan.data_sets for file in what.files)),
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


def release(store: Store, source: str, said: Released) -> None:
    """Record the release in the tombstones, and drop the plan of forgetting items of the source, if there is one."""
    new = Release(at=said.moment, by=said.pipeline, user=said.user, objects=_digests(source, said.objects))
    for key in said.keys:
        name = tombstone(source, tombstone_digest(source, key))
        stands = load(store, name, Tombstone)
        if stands is not None:
            replace_record(store, name, stands, stands.replace(releases=(*stands.releases, new)))
    store.delete(pending(source))


def _digests(source: str, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({tombstone_digest(source, text) for text in texts}))
