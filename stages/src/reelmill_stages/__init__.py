"""The stages of reelmill, the runtime that executes them, and readers for data sets that reelmill wrote.

    from reelmill_stages import open_data_set, open_store

    clips = open_data_set(open_store("data"), "clips")
    for item in clips.items():
        print(item.key, item.media.uri)

Public modules are this one, `reelmill_stages.datasets`, `reelmill_stages.stage`, `reelmill_stages.plugins` and
`reelmill_stages.media`; each lists its public names in `__all__`. All other modules are private and may change in any
release. docs/api/README.md states what a release may change.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelmill.contract.errors import NotFound, ReelmillError, SpecError, StoreError, TransientError
    from reelmill.contract.records.rows import Item, LedgerRow, Media, Outcome, Output, Span
    from reelmill.contract.records.segment import Counts
    from reelmill_stages.records.data_set import DataSet, open_data_set
    from reelmill_stages.store import Store
    from reelmill_stages.store.open import open_store
else:
    from reelmill_stages.lazy import lazy

    __getattr__ = lazy(
        __name__,
        {
            "reelmill.contract.errors": "NotFound ReelmillError SpecError StoreError TransientError",
            "reelmill.contract.records.rows": "Item LedgerRow Media Outcome Output Span",
            "reelmill.contract.records.segment": "Counts",
            "reelmill_stages.records.data_set": "DataSet open_data_set",
            "reelmill_stages.store": "Store",
            "reelmill_stages.store.open": "open_store",
        },
    )

__all__ = [
    "Counts",
    "DataSet",
    "Item",
    "LedgerRow",
    "Media",
    "NotFound",
    "Outcome",
    "Output",
    "ReelmillError",
    "Span",
    "SpecError",
    "Store",
    "StoreError",
    "TransientError",
    "open_data_set",
    "open_store",
]
