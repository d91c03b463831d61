"""Plots of a summary as SVG, made by matplotlib."""
