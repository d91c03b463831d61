"""Weights of items for weighted samplers, and stable subsets: factors, and the view `weights.parquet`."""
