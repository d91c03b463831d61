"""Clips of a video, copied or encoded."""
