"""Forgetting of items of a source: everything made from them is deleted, and anonymous rows replace theirs."""
