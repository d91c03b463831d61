"""The models of the `measure` stage, one module each."""
