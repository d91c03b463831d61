"""Results of `reelmill demo`: its inputs and its samples."""

from reelmill.contract.commands.result_rows import CommandRow


class DemoInputs(CommandRow):
    """The inputs that were created in the folder of a demo."""

    videos: list[str]
    broken: str
    """The truncated video."""
    earlier: str
    """Folder with the files of an earlier demo; empty: there were none."""


class DemoSample(CommandRow):
    """One sample, read back from the exported folder."""

    name: str
    shape: list[int]
    """Shape of its frames: count, height, width, channels."""
    dtype: str
    tokens: int


class DemoSamples(CommandRow):
    """All samples, and the file name of the contact sheet in the folder of the demo."""

    samples: list[DemoSample]
    sheet: str
