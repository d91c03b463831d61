"""Files that make a folder of tars usable in Megatron Energon and Hugging Face without preparation.

Tars are listed by name rather than by a pattern, because the folder may contain tars that were not committed, and
`.tar.idx` files that Hugging Face would treat as data.
"""

import json
from collections.abc import Mapping

from reelmill.contract.text.quantities import count_of

ENERGON_VERSION = "7.4.1"
"""Version of Megatron Energon whose format is written."""

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
    """Return file names and contents for Energon.

    `counts` maps paths of tars to their numbers of samples; `kinds` are the kinds of parts in the json members. Videos
    with captions are typed samples; all others are crude samples.
    """
    info = {"energon_version": ENERGON_VERSION, "shard_counts": dict(counts)}
    tars = "".join(f"  - {name}\n" for name in counts)
    return {
        ".nv-meta/.info.json": json.dumps(info, indent=1) + "\n",
        ".nv-meta/split.yaml": f"split_parts:\n  train:\n{tars}exclude: []\n",
        ".nv-meta/dataset.yaml": _CAPTIONED if kinds == {"video_id"} else _CRUDE,
    }


def front_matter(name: str, counts: Mapping[str, int], *, same_parts: bool = True) -> str:
    """Return a README.md whose front matter lists the data files for Hugging Face.

    If `same_parts` is False (packs differ in their number of images), Hugging Face cannot read the tars and is not
    mentioned.
    """
    tars = "".join(f"    - {tar}\n" for tar in counts)
    return (
        f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path:\n{tars}---\n"
        f"# {name}\n\n"
        f"{count_of(sum(counts.values()), 'sample')} in {len(counts)} webdataset tars, packed by reelmill. "
        "They open as they are:\n\n"
        "- webdataset: the tars\n"
        "- Megatron Energon: this folder (`.nv-meta`, and a `.tar.idx` beside each tar)\n"
        + ("- Hugging Face: `datasets.load_dataset` on this folder\n" if same_parts else "")
    )
