"""The objects below a source's prefix or folder."""
