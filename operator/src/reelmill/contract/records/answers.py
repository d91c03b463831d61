"""Records of a stage that queries a server: answers and their cost. They belong to the data set, not to a pass."""

from reelmill.contract.model import Model


class KeptAnswer(Model):
    """`answers/<aa>/<digest>.json`: an answer, written once."""

    question: str
    """Digest of the question, `sha256:<hex>`."""
    answer: str


class Spending(Model):
    """`spending/<run>-<process>.json`: the spending of one worker process, replaced as it grows."""

    counters: dict[str, int]
