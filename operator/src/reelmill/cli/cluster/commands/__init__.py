"""Commands that need a cluster. There is one module for each command."""
