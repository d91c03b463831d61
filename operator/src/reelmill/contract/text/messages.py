"""Error messages for storage and display: without credentials, and equal for equal causes."""

import re

from reelmill.contract.text.urls import without_secrets

LONGEST = 500
"""Maximum length of the message of an item, in characters."""

_ADDRESS = re.compile(r"(?<!\s)\s+at\s+0x[0-9a-fA-F]{4,16}(?=>)")


def safe_message(text: str) -> str:
    """Remove credentials in URLs and addresses of objects (`<BytesIO object at 0x7f…>`) from a text."""
    text = without_secrets(text)
    return _ADDRESS.sub("", text) if " at 0x" in text else text


def shortened(text: str, longest: int = LONGEST) -> str:
    """Clean a text as `safe_message` does, and shorten it to its beginning and end.

    A message may begin with a name of 1,024 bytes, with the cause last. Credentials are removed before the text is cut,
    because half of a URL is not recognised as one.
    """
    text = safe_message(text)
    if len(text) <= longest:
        return text
    end = longest // 2
    return f"{text[: longest - end - 1]}…{text[-end:]}"
