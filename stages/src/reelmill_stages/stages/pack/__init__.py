"""The `pack` stage: packs items into webdataset tars."""
