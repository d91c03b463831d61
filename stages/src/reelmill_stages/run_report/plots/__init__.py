"""Plots of a summary as SVG."""
