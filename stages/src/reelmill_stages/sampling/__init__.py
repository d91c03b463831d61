"""Weights of items for weighted samplers, and stable subsets: what they are made of, and the view `weights.parquet`."""
