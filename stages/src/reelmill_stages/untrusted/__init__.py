"""Input of unknown origin: the only place where images, JSON and YAML are opened, within limits."""
