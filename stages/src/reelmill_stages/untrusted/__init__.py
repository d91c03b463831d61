"""Input of unknown origin: only this package opens images, arrays, pickles, JSON and YAML, within limits."""
