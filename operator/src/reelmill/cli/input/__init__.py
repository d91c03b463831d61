"""The input of a command: a pipeline file or name, options, and all problems found in them."""
