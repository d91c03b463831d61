"""Lineage of items: the inputs that the items of a data set were made from."""
