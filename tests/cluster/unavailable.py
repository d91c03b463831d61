"""The one error of this folder: the machine cannot carry a cluster."""


class Unavailable(Exception):
    """The message says what is missing and how to get it, in a sentence."""
