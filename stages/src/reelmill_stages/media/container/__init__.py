"""The container of a video: streams, edit lists and extents."""
