"""`reelmill funnel -o png|svg`: the picture of a funnel."""

from collections.abc import Sequence

from reelmill.contract.commands.funnel import FunnelRow
from reelmill_stages.pictures.drawing import rendered
from reelmill_stages.pictures.funnel import draw


def picture(rows: Sequence[FunnelRow], title: str, form: str) -> bytes:
    """The picture of the rows, as `png` or `svg`."""
    return rendered(draw(rows, title), form)
