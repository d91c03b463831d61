"""Commands that work on a pipeline file, a store or a folder. Each is a module of its own."""
