"""What a text must look like, in words, for each pattern of the fields of a pipeline."""

NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_PROGRAM_NAME = "is not a valid name: use letters, digits and underscores, and no digit first"
_FUNCTION = "is not the name of a Python function: write module:function"

WORDS = {
    NAME: "is not a valid name: use lower-case letters, digits and hyphens",
    r"^sha256:[0-9a-f]{64}$": "is not a digest: write sha256: and 64 hexadecimal digits",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "is not the name of a model: use letters, digits, dots, hyphens and underscores",
    r"^[A-Za-z0-9][A-Za-z0-9._/-]*$": (
        "is not the name of a model: use letters, digits, dots, slashes, hyphens and underscores"
    ),
    r"^[A-Za-z_]\w*$": _PROGRAM_NAME,
    r"^[A-Za-z_][A-Za-z0-9_]*$": _PROGRAM_NAME,
    r"^\w+$": "is not a valid name: use letters, digits and underscores",
    r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$|^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$": _FUNCTION,
    r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$": _FUNCTION,
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": _FUNCTION,
    r"^[a-z]{2,3}$": "is not the code of a language: write two or three lower-case letters, such as en",
    r"^\S+$": "must not contain spaces",
    r"^(mean|min|p10|p50|p90|max|above -?\d+(\.\d+)?)$": (
        "is not one of mean, min, p10, p50, p90, max and above with a number, such as above 0.5"
    ),
    r"^https?://[^/\s]+": "is not a URL: write it as http://host:8000 or https://host",
    r"^(\w[\w.-]*(\+\w[\w.-]*)*)?$": "is not the name of a split, or several joined by +",
}
"""Pattern -> words that follow the value."""
