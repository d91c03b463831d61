"""What a command is given: a pipeline file or name, options, and every problem found in them."""
