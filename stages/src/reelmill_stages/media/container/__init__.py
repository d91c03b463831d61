"""Containers of videos: streams, edit lists and extents."""
