"""The README of a data set: its contents, how it was made, and how to open it. Equal data give equal bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reelmill import __version__
from reelmill.contract.commands.summary import Summary
from reelmill.contract.records.layout import KEY_DIGITS
from reelmill.contract.text.quantities import amount, size
from reelmill_stages.dataset_card import sections
from reelmill_stages.dataset_card.front_matter import front_matter
from reelmill_stages.dataset_card.markdown import code_block, inline, table
from reelmill_stages.dataset_card.tables import FILES, ITEMS, LicenceCounts

MARK = "<!-- Written by `reelmill card`, which replaces this file as long as this line is in it. -->"
"""A README with this line may be replaced."""

_OPEN = """\
import mlcroissant

data_set = mlcroissant.Dataset("croissant.json")
for record in data_set.records("items"):
    print(record["items/key"], record["items/media.path"])
"""
_TABLES = f"""\
`{ITEMS}` has one row for each item: its key, its file, its fields, and in the column `row` all that is known of it as
JSON. `{FILES}` has one row for each file of an item, with its SHA-256.
"""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The contents of a card."""

    stage: str
    key: str
    segment: int
    items: int
    summary: Summary
    """Summary of the stage and everything upstream of it."""
    licences: LicenceCounts | None
    document: str
    """The YAML of the pipeline, without secrets; empty if unknown."""
    contents: Mapping[str, str]
    """Record sets with the contents of files, and descriptions of these files; empty without an export."""
    configs: Sequence[dict[str, Any]] = ()
    """Existing configurations of Hugging Face datasets in the folder."""

    @property
    def name(self) -> str:
        return f"{self.summary.overview.pipeline}/{self.stage}"


def readme(facts: CardFacts) -> str:
    """The card as Markdown with front matter."""
    summary, overview = facts.summary, facts.summary.overview
    row = next(each for each in overview.funnel if each.name == facts.stage)
    own = [each for each in summary.distributions if each.name == facts.stage]
    parts = [
        front_matter(facts.name, facts.items, facts.licences, facts.configs) + MARK + "\n",
        f"# {inline(facts.name)}\n",
        f"{inline(_sentence(facts))}\n",
        table(
            ("what", "amount"),
            [
                ("items", amount(facts.items)),
                ("hours of video", sections.hours(row.seconds_out)),
                ("bytes", "–" if row.bytes_out is None else f"{amount(row.bytes_out)} ({size(row.bytes_out)})"),
                ("segments", amount(facts.segment)),
            ],
            " r",
        ),
        f"## Files\n\n{_TABLES}{_contents(facts)}\n{code_block(_OPEN, 'python')}",
        f"## Fields\n\n{sections.fields(own)}",
        f"## Funnel\n\n{sections.funnel(overview.funnel)}",
        f"## Losses\n\n{sections.losses(summary.losses)}",
        f"## Licences\n\n{sections.licences(facts.licences)}",
        f"## How it was made\n\n{_origin(facts)}",
    ]
    if summary.left_out:
        parts.append("## Left out\n\n" + "".join(f"- {inline(each)}\n" for each in summary.left_out))
    return "\n".join(parts)


def _sentence(facts: CardFacts) -> str:
    moment = facts.summary.overview.moment.closed
    when = f", closed on {day(moment)}" if moment is not None else ""
    return (
        f"The items of the stage {facts.stage} of the pipeline {facts.summary.overview.pipeline}: data set "
        f"{facts.key[:KEY_DIGITS]}, segment {facts.segment}{when}. Written by reelmill {__version__}."
    )


def day(moment: float) -> str:
    """`2026-11-29`, in UTC, of seconds since 1970."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _contents(facts: CardFacts) -> str:
    if not facts.contents:
        return "The folder holds these tables only.\n"
    file_list = ", ".join(f"`{name}` ({inline(what)})" for name, what in facts.contents.items())
    return f"`croissant.json` describes both, and the files beside them as {file_list}.\n"


def _origin(facts: CardFacts) -> str:
    origins = facts.summary.overview.origins
    rows = [(f"`{each.name}`", inline(each.type), f"`{each.key[:KEY_DIGITS]}`") for each in origins]
    versions = next(each.versions for each in origins if each.name == facts.stage)
    made = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    parts = [table(("source or stage", "type", "key"), rows)]
    parts += [f"Software: {inline(made)}.\n"] if made else []
    parts += [f"The pipeline:\n\n{code_block(facts.document, 'yaml')}"] if facts.document else []
    return "\n".join(parts)
