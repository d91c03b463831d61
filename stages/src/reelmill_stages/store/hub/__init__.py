"""Data sets of the Hugging Face Hub as sources."""
