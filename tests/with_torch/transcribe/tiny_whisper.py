"""A Whisper in the form of CTranslate2 with weights by chance: tiny, but with every tensor and file of a real one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel

WIDTH, HEADS, MELS, TEXT = 16, 2, 80, 448
WORDS = sorted(ByteLevel.alphabet())
"""One for each byte."""
SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>", *(f"<|{second / 50:.2f}|>" for second in range(1501)),
]  # fmt: skip
TOKENS = [*WORDS, *SPECIAL]
SHAPES = {
    "embeddings/weight": (len(TOKENS), WIDTH),
    "projection/weight": (len(TOKENS), WIDTH),
    "conv1/weight": (WIDTH, MELS, 3),
    "conv2/weight": (WIDTH, WIDTH, 3),
    "conv1/bias": (WIDTH,),
    "conv2/bias": (WIDTH,),
    "encoder/position_encodings/encodings": (1500, WIDTH),
    "decoder/position_encodings/encodings": (TEXT, WIDTH),
    "ffn/linear_0/weight": (4 * WIDTH, WIDTH),
    "ffn/linear_0/bias": (4 * WIDTH,),
    "ffn/linear_1/weight": (WIDTH, 4 * WIDTH),
    "self_attention/linear_0/weight": (3 * WIDTH, WIDTH),
    "self_attention/linear_0/bias": (3 * WIDTH,),
    "attention/linear_1/weight": (2 * WIDTH, WIDTH),
    "attention/linear_1/bias": (2 * WIDTH,),
    "weight": (WIDTH, WIDTH),
    "bias": (WIDTH,),
    "gamma": (WIDTH,),
    "beta": (WIDTH,),
}
"""End of a tensor's name -> shape; the first that fits counts."""


def write(folder: Path) -> dict[str, Path]:
    """Write the files; returns them by the names of the block."""
    from ctranslate2.specs import WhisperSpec

    spec = WhisperSpec(1, HEADS, 1, HEADS)
    chance = np.random.default_rng(3)
    for owner, name, path in _tensors(spec, ""):
        setattr(owner, name, _values(path, chance))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = []
    spec.config.alignment_heads = [[0, 0]]
    spec.register_vocabulary(TOKENS)
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer()))
    names = {
        "model": "model.bin",
        "config": "config.json",
        "vocabulary": "vocabulary.json",
        "tokenizer": "tokenizer.json",
    }
    return {field: folder / name for field, name in names.items()}


def _tensors(spec: Any, path: str) -> Iterator[tuple[Any, str, str]]:
    for name, value in list(vars(spec).items()):
        if name.startswith("_") or name == "config":
            continue
        if isinstance(value, list):
            for number, each in enumerate(value):
                yield from _tensors(each, f"{path}{name}_{number}/")
        elif hasattr(value, "__dict__"):
            yield from _tensors(value, f"{path}{name}/")
        elif value is None or (name in ("bias", "encodings") and "projection" not in path):
            yield spec, name, f"{path}{name}"


def _values(path: str, chance: np.random.Generator) -> Any:
    shape = next(shape for end, shape in SHAPES.items() if path.endswith(end))
    if path.endswith("gamma"):
        return np.ones(shape, np.float32)
    return (chance.standard_normal(shape) * 0.5).astype(np.float32)


def _tokenizer() -> dict[str, Any]:
    added = [
        {"id": len(WORDS) + number, "content": token, "special": token[2] != "0", "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False}
        for number, token in enumerate(SPECIAL)
    ]  # fmt: skip
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                  "vocab": {token: number for number, token in enumerate(WORDS)}, "merges": []},
    }  # fmt: skip
