"""Plots of a summary as SVG, made with matplotlib."""
