"""The models of the `measure` stage: one file each."""
