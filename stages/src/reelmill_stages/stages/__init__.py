"""The stock stages, one folder each. They do not import each other."""
