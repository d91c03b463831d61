"""The `transcribe` stage: transcribes the speech in videos, with the times of words."""
