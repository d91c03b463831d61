"""The error of this folder: the machine cannot run a cluster."""


class Unavailable(Exception):
    """Something is missing; the message is a sentence with a remedy."""
