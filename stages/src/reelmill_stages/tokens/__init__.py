"""Tokenizers and packs of tokens, as several stages and readers know them; nothing of items, shards or stores."""
