"""Measures of sound."""
