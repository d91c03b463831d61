"""What a pipeline defines: its graph, whether its stages fit together, and its stage keys."""
