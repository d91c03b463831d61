"""README.md of a folder with Parquet files: its front matter lists the data files for `datasets.load_dataset`.

Files are listed by name rather than by a pattern, because the folder may contain files that were not committed.
"""

from collections.abc import Mapping

from reelmill.contract.text.quantities import count_of


def card(name: str, counts: Mapping[str, int]) -> str:
    """Return the README of a data set. `counts` maps paths of Parquet files to their numbers of samples."""
    files = "".join(f"    - {path}\n" for path in counts)
    return (
        f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path:\n{files}---\n"
        f"# {name}\n\n"
        f"{count_of(sum(counts.values()), 'sample')} in {len(counts)} Parquet files, written by reelmill. "
        "`datasets.load_dataset` opens this folder as it is.\n"
    )
