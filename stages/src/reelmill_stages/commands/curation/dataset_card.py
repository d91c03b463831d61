"""`reelmill card`: write README.md, croissant.json and three tables about a stage's data set.

They are written into the folder of an export or a new one. Only files of an earlier card or of the export are replaced.
README.md is written last. Each file is written atomically.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from reelmill.contract.commands.dataset_card import CardResult
from reelmill.contract.errors import SpecError
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.records.rows import Item
from reelmill.contract.task import StageDef, Task
from reelmill.contract.task_parts.run_report import RunDefinition
from reelmill.contract.text.quantities import count_of
from reelmill_stages.commands.curation.card_folder import README, WRITTEN, CardFolder
from reelmill_stages.commands.entry import stage_of, store_of
from reelmill_stages.commands.export_folder import exported
from reelmill_stages.commands.lineage.recipe import TABLE
from reelmill_stages.commands.lineage.table import write_table
from reelmill_stages.dataset_card import croissant
from reelmill_stages.dataset_card.columns import FieldTypes, columns
from reelmill_stages.dataset_card.croissant import DescribedFile, Heading
from reelmill_stages.dataset_card.export_files import ExportSeen, files_of, place_of
from reelmill_stages.dataset_card.readme import CardFacts, day, readme
from reelmill_stages.dataset_card.tables import FILES, ITEMS, LicenceCounts, pyarrow, write_files, write_items
from reelmill_stages.records.data_set import DataSet
from reelmill_stages.run_report.document import shown
from reelmill_stages.store.digests import file_digest
from reelmill_stages.store.local.errors import mapped
from reelmill_stages.summary.consistent_cut import ConsistentCut, cut
from reelmill_stages.summary.one_moment import at_one_moment
from reelmill_stages.summary.summarise import summarise


@at_one_moment
def card(
    task: Task,
    env: Mapping[str, str],
    name: str,
    folder: Path,
    definition: RunDefinition,
    /,
    *,
    licence_field: str = "",
) -> CardResult:
    """Write the card of a stage's data set.

    Raises SpecError for a stage without output, for a folder that is in use for something else, and for an export that
    is older than the data set.
    """
    pyarrow()
    stage, store = stage_of(task, name), store_of(task, env)
    seen = cut(store, _ancestry(task, stage))
    data = seen.data[name]
    if data.last is None:
        raise SpecError(f"the stage {name!r} has no output yet", where=store.uri, hint="run the pipeline first")
    folder = folder.absolute()
    with mapped(folder):
        export = exported(folder, data.name, data.names.key)
        place = CardFolder.taken(folder, export)
    with mapped(folder):
        found = ItemsSeen(data, place)
    licences = _licences(seen, name, licence_field) if licence_field else None
    summary = summarise(store, seen, definition).summary
    facts = CardFacts(
        stage=name,
        key=stage.key,
        segment=data.last.segment,
        items=found.items,
        summary=summary,
        licences=licences,
        document=shown(definition.document, definition.text) if definition.document else "",
        contents=found.contents.record_sets() if found.contents else {},
        configs=place.configs,
    )
    with place.incoming() as new:
        write_items(new / ITEMS, data.items(), found.columns)
        write_files(new / FILES, data.items(), partial(files_of, data.root))
        write_table(task, seen.data, name, new / TABLE)
        tables = [_described_file(new / each) for each in (ITEMS, FILES)]
        croissant_text = croissant.croissant(_heading(facts), tables, found.columns, found.contents)
        (new / croissant.NAME).write_text(croissant_text, encoding="utf-8")
        (new / README).write_text(readme(facts), encoding="utf-8")
        place.put(new)
    return CardResult(
        stage=name,
        key=stage.key,
        segment=facts.segment,
        folder=str(folder),
        files=list(WRITTEN),
        items=facts.items,
        described=found.files if found.contents else 0,
        licences=licences.values if licences else None,
    )


class ItemsSeen:
    """Facts about the items of a data set, from reading them once: their number, columns and files."""

    def __init__(self, data: DataSet, place: CardFolder) -> None:
        """Raises SpecError for a file of the export in the folder that is missing or was changed since its commit."""
        self.items = self.files = 0
        types = FieldTypes()
        export = ExportSeen(place.path, place.export) if place.export is not None else None
        for item in data.items():
            self.items += 1
            types.add(item)
            for file in files_of(data.root, item):
                self.files += 1
                place.must_hold(file)
                if export:
                    export.add(file.path)
        self.columns = columns(types, partial(_path, data.root))
        self.contents = export.contents() if export else None


def _ancestry(task: Task, stage: StageDef) -> Task:
    """The task with the stage and everything upstream of it."""
    wanted, stages = {stage.name}, list[StageDef]()
    for each in reversed(task.stages):
        if each.name in wanted:
            wanted |= {upstream.name for upstream in each.upstreams}
            stages.insert(0, each)
    return task.replace(stages=tuple(stages), sources=tuple(source for source in task.sources if source.name in wanted))


def _licences(seen: ConsistentCut, stage: str, field: str) -> LicenceCounts:
    """The licences of the items of a stage.

    If its items do not have the field, as with tars, these are the licences of the nearest upstream data sets.
    """
    reads, names = seen.reads(), [stage]
    while names:
        counts = LicenceCounts(field, tuple(names) if names != [stage] else ())
        for name in names:
            for item in seen.data[name].items():
                counts.add(item)
        if counts.counts:
            return counts
        names = list(dict.fromkeys(upstream for name in names for upstream in reads.get(name, ())))
    return LicenceCounts(field, missing=seen.data[stage].item_count)


def _path(root: str, item: Item) -> str:
    media = item.media
    return place_of(root, media.uri) if media and not media.source else ""


def _described_file(path: Path) -> DescribedFile:
    return DescribedFile(path.name, path.stat().st_size, file_digest(path).removeprefix("sha256:"))


def _heading(facts: CardFacts) -> Heading:
    closed = facts.summary.overview.moment.closed
    return Heading(
        name=facts.name,
        description=f"{count_of(facts.items, 'item')} of the stage {facts.stage}, data set {facts.key[:KEY_DIGITS]}.",
        version=f"{facts.segment}.0.0",
        published=day(closed) if closed is not None else "",
        licences=sorted(facts.licences.counts) if facts.licences else (),
    )
