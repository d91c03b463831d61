"""Tokenizers and rules for packs of tokens, shared by stages and readers."""
