"""Implementation of `reelmill demo`: generated videos with captions, and a contact sheet of the samples."""
