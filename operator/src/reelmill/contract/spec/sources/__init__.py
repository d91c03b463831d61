"""One module for each source block. The adapters are in `reelmill_stages.sources`, under the same names."""
