"""The front matter of a dataset card in the format of Hugging Face (https://huggingface.co/docs/hub/datasets-cards)."""

from collections.abc import Sequence
from typing import Any

import yaml

from reelmill_stages.dataset_card import licences
from reelmill_stages.dataset_card.tables import FILES, ITEMS, LicenceCounts
from reelmill_stages.untrusted.front_matter import front_matter as parsed

_CLASSES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
            (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"),
            (10_000_000_000, "1B<n<10B"), (100_000_000_000, "10B<n<100B"), (10**12, "100B<n<1T"))  # fmt: skip
_LARGEST = "n>1T"


def front_matter(
    name: str, items: int, licence_counts: LicenceCounts | None, earlier: Sequence[dict[str, Any]] = ()
) -> str:
    """The front matter between its two `---` lines. `earlier` are `configs` of the existing README; they stay first."""
    tables = [{"config_name": "items", "data_files": ITEMS}, {"config_name": "files", "data_files": FILES}]
    metadata = {
        "pretty_name": name,
        **licences.front_matter(licence_counts),
        "size_categories": [size_category(items)],
        "tags": ["video", "croissant", "reelmill"],
        "configs": [*earlier, *tables],
    }
    return f"---\n{yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=1000)}---\n"


def size_category(items: int) -> str:
    """The size category of a number of items."""
    return next((name for limit, name in _CLASSES if items < limit), _LARGEST)


def configs_of(readme: str) -> list[dict[str, Any]]:
    """The `configs` in the front matter of a README, except those of a card; empty without such front matter."""
    configs = parsed(readme).get("configs")
    return [
        each
        for each in (configs if isinstance(configs, list) else [])
        if isinstance(each, dict) and each.get("data_files") not in (ITEMS, FILES)
    ]
