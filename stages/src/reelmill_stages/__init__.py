"""The stages of reelmill and the runtime that runs them: media, tensors and object storage live here, planning does not."""
