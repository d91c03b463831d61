"""What `reelmill demo` is told about its inputs and its samples."""

from reelmill.contract.commands.result_rows import CommandRow


class DemoInputs(CommandRow):
    """The inputs that were made in the folder of a demo."""

    videos: list[str]
    broken: str
    """The video that was cut off in the middle."""
    earlier: str
    """Folder with what an earlier demo left; empty: there was nothing."""


class DemoSample(CommandRow):
    """One sample, read back from the exported folder."""

    name: str
    shape: list[int]
    """Of its frames: count, height, width, channels."""
    dtype: str
    tokens: int


class DemoSamples(CommandRow):
    """All samples, and the name of the contact sheet in the folder of the demo."""

    samples: list[DemoSample]
    sheet: str
