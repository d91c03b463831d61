"""The table of hardware decoders for docs/gpus.md."""

from itertools import groupby

from reelmill.contract.gpus import nvdec
from reelmill.schema.markdown import table


def tables() -> dict[str, str]:
    """Name of a table -> Markdown."""
    generations = nvdec.generations()
    head = ("codec", *(f"{one.name} ({', '.join(one.compute_capabilities)})" for one in generations))
    products = ("for example", *(", ".join(one.products).replace("*", "…") for one in generations))
    rows = ((f"`{codec}`", *(_formats(one, codec) for one in generations)) for codec in nvdec.codecs())
    return {"nvdec": table(head, (products, *rows))}


def _formats(generation: nvdec.Generation, codec: str) -> str:
    """`4:2:0 8, 10; 4:4:4 8`."""
    if codec in generation.on_some:
        return "some GPUs"
    limits = generation.codecs.get(codec)
    pairs = [form.split() for form in limits.formats] if limits else []
    by_chroma = groupby(pairs, key=lambda pair: pair[0])
    return "; ".join(f"{chroma} {', '.join(depth for _, depth in found)}" for chroma, found in by_chroma)
