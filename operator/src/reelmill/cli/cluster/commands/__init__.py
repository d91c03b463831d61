"""Commands that need a cluster. Each is a module of its own."""
