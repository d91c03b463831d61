"""Input of unknown origin: the only place where images, arrays, pickles, JSON and YAML are opened, within limits."""
