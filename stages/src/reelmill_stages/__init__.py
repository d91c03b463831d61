"""The stages of reelmill and the runtime that runs them: media, tensors and object storage, never planning."""
