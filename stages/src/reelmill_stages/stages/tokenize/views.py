"""Views of a set of packs: `tokens.json`, and files for trainers."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from reelmill.contract.spec.stages.tokenize import TokenizeBlock
from reelmill_stages.stage import DataSetReader, File
from reelmill_stages.tar.trainer_files import energon, front_matter


def views(data: DataSetReader, block: TokenizeBlock) -> Iterator[File]:
    """Write the views; none for an empty data set."""
    counts: dict[str, int] = {}
    totals: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    facts: dict[str, Any] = {}
    for item in data.items():
        if item.media is None or not item.fields["samples"]:
            continue
        counts[item.media.uri.removeprefix(f"{data.root}/")] = item.fields["samples"]
        totals.update({name: item.fields[name] for name in ("samples_in", "documents", "samples", "tokens")})
        left_out.update(item.fields["left_out"])
        facts = {"tokenizer": item.fields["tokenizer"], **item.fields["pack"]}
    if not counts:
        return
    about = {
        **facts,
        "packing": block.packing,
        "samples": totals["samples_in"],
        "documents": totals["documents"],
        "leftOut": dict(sorted(left_out.items())),
        "packs": totals["samples"],
        "tokens": totals["tokens"],
        "fill": round(totals["tokens"] / (totals["samples"] * (block.max_tokens - 1)), 4),
    }
    texts = {
        "tokens.json": json.dumps(about, indent=1) + "\n",
        **energon(counts, {"image"}),
        "README.md": front_matter(data.name, counts, same_parts=False),
    }
    for name, text in texts.items():
        path = data.scratch / name.replace("/", "_")
        path.write_text(text, encoding="utf-8")
        yield File(name, path)
