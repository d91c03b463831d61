"""The definition of a pipeline: its graph, the compatibility of its stages, and its stage keys."""
