"""Finds pipelines and their states, from pipeline files or from the claims in a store."""
