"""`reelmill merge`: merges two dataset_info.json files."""

from pathlib import Path

from reelmill.contract.errors import SpecError
from reelmill_stages.stages.frames.info import write_info
from reelmill_stages.stages.frames.merge import merge


def merge_files(train: Path, test: Path, out: Path, *, validation: int, leak_free: bool) -> dict[str, int]:
    """Write the merged file; returns the number of samples in each list. Raises SpecError for invalid files."""
    try:
        merged = merge(train, test, validation=validation, leak_free=leak_free)
    except OSError as error:
        raise SpecError(
            str(error.strerror), where=str(error.filename), hint="give the path of a dataset_info.json"
        ) from error
    except ValueError as error:
        raise SpecError(str(error), hint="create one with reelmill export") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    write_info(out, merged)
    return {name: len(samples) for name, samples in merged.items()}
