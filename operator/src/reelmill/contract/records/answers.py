"""The records of a stage that asks a server: answers, and what they cost. They belong to the data set, to no pass."""

from reelmill.contract.model import Model


class KeptAnswer(Model):
    """`answers/<aa>/<digest>.json`: an answer, written once."""

    question: str
    """Digest of the question, `sha256:<hex>`."""
    answer: str


class Spending(Model):
    """`spending/<run>-<process>.json`: what one worker process spent, replaced as it grows."""

    counters: dict[str, int]
