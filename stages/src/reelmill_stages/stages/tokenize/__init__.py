"""Samples of tars into packs of tokens."""
