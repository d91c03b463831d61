"""The `tokenize` stage: tokenizes samples of tars and packs them."""
