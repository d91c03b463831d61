"""Captions as token ids: CLIP's byte-pair vocabulary."""
