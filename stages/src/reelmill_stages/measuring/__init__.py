"""Measures of videos and clips: pictures, motion, sound, and scores of models."""
