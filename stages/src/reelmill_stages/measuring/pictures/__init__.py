"""Measures of pictures: single frames, and pairs of successive frames."""
