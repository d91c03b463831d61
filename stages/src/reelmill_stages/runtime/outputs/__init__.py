"""How files that a stage makes become outputs in the store."""
