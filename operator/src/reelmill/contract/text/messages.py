"""Messages of errors as they may be kept and shown: without credentials, and the same for the same cause."""

import re

from reelmill.contract.text.urls import without_secrets

LONGEST = 500
"""Characters of the message of an item."""

_ADDRESS = re.compile(r"(?<!\s)\s+at\s+0x[0-9a-fA-F]{4,16}(?=>)")


def told(text: str) -> str:
    """The text without credentials in URLs, and without the addresses of objects: `<BytesIO object at 0x7f…>`."""
    text = without_secrets(text)
    return _ADDRESS.sub("", text) if " at 0x" in text else text


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text as `told`, or its beginning and end: a message may begin with a name of 1,024 bytes, and says at its end
    why. Credentials are removed first: half of a URL is not recognised as one.
    """
    text = told(text)
    if len(text) <= longest:
        return text
    end = longest // 2
    return f"{text[: longest - end - 1]}…{text[-end:]}"
