"""Formats the json of a sample as text, with one line per field and tokens as text."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from reelmill_stages.tar.samples import Sample
from reelmill_stages.tokens.tokenizer import Tokenizer

_RUN = re.compile(r"(<[^<>\s]{1,64}>)\1+")
_OF_TOKENS = frozenset({"input_ids", "loss_mask", "position_ids"})


def formatted_sample(sample: Sample, read: Mapping[str, Any], tokenizer: Tokenizer | None) -> str:
    """Return the text for a sample; with a tokenizer, including the text of its tokens and of those with a loss."""
    lines = [f"== {sample.key}: {', '.join(sample.parts)}"]
    for name, value in read.items():
        if name in _OF_TOKENS and isinstance(value, list):
            learned = f", {value.count(1)} of them learned" if name == "loss_mask" else ""
            lines.append(f"{name}: {len(value)}{learned}")
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            lines += [f"{name}:", *map(_with_runs_counted, value)] if name == "text" else [f"{name}: {len(value)}"]
        else:
            lines.append(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    ids, mask = read.get("input_ids"), read.get("loss_mask")
    if tokenizer and _are_whole(ids) and isinstance(mask, list):
        known = [one if one < tokenizer.size else 0 for one in ids]
        lines += ["tokens say:", tokenizer.decode(known)]
        lines += ["learned:", tokenizer.decode([one for one, bit in zip(known, mask, strict=False) if bit == 1])]
    return "\n".join(lines)


def _are_whole(ids: Any) -> TypeGuard[list[int]]:
    return isinstance(ids, list) and all(type(one) is int and one >= 0 for one in ids)


def _with_runs_counted(text: str) -> str:
    """Replace runs of a symbol by their count, such as those of image patches."""
    return _RUN.sub(lambda run: f"{run[1]}*{len(run[0]) // len(run[1])}", text)
