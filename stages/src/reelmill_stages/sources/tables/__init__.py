"""Rows of metadata files: formats, columns and cells."""
