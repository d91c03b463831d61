"""What makes the folder of tars open in Megatron Energon and on Hugging Face with no preparation.

Every tar is named, none is found by a pattern: a folder may hold tars that never were committed, and beside each tar
lies a `.tar.idx` that Hugging Face would take for data.
"""

import json
from collections.abc import Mapping

ENERGON_VERSION = "7.4.1"
"""Whose layout this is."""

_CRUDE = """\
__module__: megatron.energon
__class__: CrudeWebdataset
"""

_CAPTIONED = """\
sample_type:
  __module__: megatron.energon
  __class__: VidQASample
field_map:
  video: mp4
  context: json[caption]
"""


def energon(counts: Mapping[str, int], kinds: set[str]) -> dict[str, str]:
    """Names and texts of Energon's files. `counts`: samples per tar, by path below the root; `kinds`: how jsons name
    their parts. Videos with captions are typed samples; everything else is left to the reader's cooker.
    """
    info = {"energon_version": ENERGON_VERSION, "shard_counts": dict(counts)}
    tars = "".join(f"  - {name}\n" for name in counts)
    return {
        ".nv-meta/.info.json": json.dumps(info, indent=1) + "\n",
        ".nv-meta/split.yaml": f"split_parts:\n  train:\n{tars}exclude: []\n",
        ".nv-meta/dataset.yaml": _CAPTIONED if kinds == {"video_id"} else _CRUDE,
    }


def front_matter(name: str, counts: Mapping[str, int], *, same_parts: bool = True) -> str:
    """README.md whose front matter tells Hugging Face which files are data.

    Without `same_parts` (packs have as many images as fit) Hugging Face refuses the tars, so it is not named.
    """
    tars = "".join(f"    - {tar}\n" for tar in counts)
    return (
        f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path:\n{tars}---\n"
        f"# {name}\n\n"
        f"{sum(counts.values())} samples in {len(counts)} webdataset tars, packed by reelmill. "
        "They open as they are:\n\n"
        "- webdataset: the tars\n"
        "- Megatron Energon: this folder (`.nv-meta`, and a `.tar.idx` beside each tar)\n"
        + ("- Hugging Face: `datasets.load_dataset` on this folder\n" if same_parts else "")
    )
