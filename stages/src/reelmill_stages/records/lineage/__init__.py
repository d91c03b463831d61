"""Which inputs the items of a data set were made of."""
