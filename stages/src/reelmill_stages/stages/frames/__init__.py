"""The `frames` stage: samples frames of videos."""
