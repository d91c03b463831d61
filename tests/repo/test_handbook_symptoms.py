"""Messages that the failure handbook quotes as symptoms are those of the sources."""

import ast
import re
from collections.abc import Iterator

from repo.tree import ROOT, modules, nodes

PAGE = ROOT / "docs/failure-handbook.md"
OTHERS = ("0/12 nodes are available", 'secret "s3-credentials" not found', "Access Denied", "pod …: OOMKilled")
"""How messages of Kubernetes and of stores begin."""


def quoted() -> list[str]:
    """Symptoms of several words, without those of others."""
    lines = re.findall(r"^\*\*Symptom:\*\*(.*?)\n\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    found = [" ".join(one.split()) for line in lines for one in re.findall(r"`([^`]+)`", line)]
    return [one for one in found if " " in one and not one.startswith(OTHERS)]


def messages() -> Iterator[list[str]]:
    """Texts of some words in the sources, as the parts between their values."""
    for _, path in modules():
        for node in nodes(path):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            if len(re.findall(r"\w{2,}", " ".join(texts))) > 2:
                yield texts


def matches(message: list[str], symptom: str) -> bool:
    at = 0
    for text in message:
        found = symptom.find(text, at)
        if found < 0:
            return False
        at = found + len(text)
    return True


def test_each_quoted_symptom_is_a_message() -> None:
    symptoms, known = quoted(), list(messages())
    assert len(symptoms) > 15
    assert [each for each in symptoms if not any(matches(one, each) for one in known)] == []
