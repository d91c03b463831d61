"""`reelmill merge`: one dataset_info.json of two."""

from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill_stages.stages.frames.info import write_info
from reelmill_stages.stages.frames.merge import merge


def merge_files(train: Path, test: Path, out: Path, *, validation: int, leak_free: bool) -> dict[str, int]:
    """Write the merged file; gives how many samples each list has. Raises SpecError for other files."""
    try:
        merged = merge(train, test, validation=validation, leak_free=leak_free)
    except OSError as error:
        raise SpecError(str(error.strerror), where=str(error.filename), hint="name a dataset_info.json") from error
    except ValueError as error:
        raise SpecError(str(error), hint="reelmill export makes a folder with one on top") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    write_info(out, merged)
    return {name: len(samples) for name, samples in merged.items()}
