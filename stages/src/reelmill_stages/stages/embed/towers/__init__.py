"""Towers of other packages: image towers of open_clip, video towers of torchvision, and their frames."""
