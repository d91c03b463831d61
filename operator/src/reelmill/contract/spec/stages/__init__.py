"""One module for each stage block."""
