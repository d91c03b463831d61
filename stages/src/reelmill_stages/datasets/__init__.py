"""PyTorch data sets for the output of the stages, in folders and buckets. Only this package imports torch.

    from reelmill_stages.datasets import PackedTokens, collate_packs

Readers are map-style data sets for `torch.utils.data.DataLoader`. They can be pickled, and each worker of a loader
opens its own connections. The modules of this package are private: import from the package.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelmill_stages.datasets.chunks import ChunkSamples, collate_chunks
    from reelmill_stages.datasets.clip4mc import Clip4mcSample, Clip4mcSamples
    from reelmill_stages.datasets.frames_in_tars import FramesBatch, FramesInTars, FramesSample, collate_frames
    from reelmill_stages.datasets.grids import GridFeatures, GridSample
    from reelmill_stages.datasets.lip_encoder import LipEncoder
    from reelmill_stages.datasets.lips import LipMixture, LipMixtures
    from reelmill_stages.datasets.live_grids import LiveGridFeatures
    from reelmill_stages.datasets.packed_tokens import (
        PackedTokens,
        TokenBatch,
        TokenPack,
        collate_packs,
        within_documents,
    )
    from reelmill_stages.datasets.resumable_sampler import Order
    from reelmill_stages.datasets.sample_weights import SampleWeights
    from reelmill_stages.datasets.tar_set import Grouped, TarSet
else:
    from reelmill_stages.lazy import lazy

    __getattr__ = lazy(
        __name__,
        {
            "reelmill_stages.datasets.chunks": "ChunkSamples collate_chunks",
            "reelmill_stages.datasets.clip4mc": "Clip4mcSample Clip4mcSamples",
            "reelmill_stages.datasets.frames_in_tars": "FramesBatch FramesInTars FramesSample collate_frames",
            "reelmill_stages.datasets.grids": "GridFeatures GridSample",
            "reelmill_stages.datasets.lip_encoder": "LipEncoder",
            "reelmill_stages.datasets.lips": "LipMixture LipMixtures",
            "reelmill_stages.datasets.live_grids": "LiveGridFeatures",
            "reelmill_stages.datasets.resumable_sampler": "Order",
            "reelmill_stages.datasets.packed_tokens": (
                "PackedTokens TokenBatch TokenPack collate_packs within_documents"
            ),
            "reelmill_stages.datasets.sample_weights": "SampleWeights",
            "reelmill_stages.datasets.tar_set": "Grouped TarSet",
        },
    )

__all__ = [
    "ChunkSamples",
    "Clip4mcSample",
    "Clip4mcSamples",
    "FramesBatch",
    "FramesInTars",
    "FramesSample",
    "GridFeatures",
    "GridSample",
    "Grouped",
    "LipEncoder",
    "LipMixture",
    "LipMixtures",
    "LiveGridFeatures",
    "Order",
    "PackedTokens",
    "SampleWeights",
    "TarSet",
    "TokenBatch",
    "TokenPack",
    "collate_chunks",
    "collate_frames",
    "collate_packs",
    "within_documents",
]
