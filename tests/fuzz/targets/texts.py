"""Targets for text from users or other programs: JSON, YAML, globs, URLs, log lines, merges."""

import json
import re
from contextlib import suppress

import yaml

from reelmill.cli.cluster.log_line import rendered
from reelmill.cli.cluster.pods import last_words as last_words_of_pod
from reelmill.contract.errors import SpecError
from reelmill.contract.text.terminal import json_text, printable
from reelmill.contract.text.urls import has_query, has_user_info, without_secrets
from reelmill.plan.jobs.log_tail import last_words
from reelmill_stages.sources.globs import matcher
from reelmill_stages.stages.frames.captions import merges
from reelmill_stages.untrusted.images import image_fault
from reelmill_stages.untrusted.nested import check_depth, load_json
from reelmill_stages.untrusted.yaml_values import load_yaml

_USER = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[^\s/?#'\"<>\\]*@", re.IGNORECASE)


def nested_json(data: bytes) -> None:
    """JSON of unknown origin: equal to what Python reads, never deeper than the limit."""
    try:
        found = load_json(data)
    except ValueError:
        return
    check_depth(found)
    assert json.dumps(found) == json.dumps(json.loads(data))


def yaml_values(data: bytes) -> None:
    """YAML of unknown origin."""
    with suppress(yaml.YAMLError):
        check_depth(load_yaml(data))


def image(data: bytes) -> None:
    """Images by content, whatever their name."""
    image_fault(data)


def glob(data: bytes) -> None:
    """Patterns on paths. The first line is the pattern, the rest the paths."""
    pattern, *paths = data.decode("utf-8", "surrogateescape").split("\n")
    try:
        found = matcher([pattern])
    except SpecError:
        return
    for path in paths:
        found.match(path)
    if re.fullmatch(r"[\w./-]*[\w.-]", pattern) and "//" not in pattern and not pattern.startswith("/"):
        assert found.match(pattern)


def messages(data: bytes) -> None:
    """Messages with URLs and control characters: no user info of a URL is left, and the terminal is safe."""
    text = data.decode("utf-8", "surrogateescape")
    clean = without_secrets(text)
    assert not _USER.search(clean)
    assert has_user_info(clean) in {True, False}
    assert has_query(clean) in {True, False}
    shown = printable(clean)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert json.loads(json_text(text)) == text


def log_lines(data: bytes) -> None:
    """Log lines of other containers."""
    text = data.decode(errors="replace")
    assert len(last_words(text)) <= 1000
    last_words_of_pod(text.splitlines())
    for line in text.splitlines():
        assert "\x1b" not in rendered(line).plain


def merge_list(data: bytes) -> None:
    """Lists of byte pairs."""
    with suppress(ValueError):
        merges.parse(data)
