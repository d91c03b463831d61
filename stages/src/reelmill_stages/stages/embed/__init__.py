"""The `embed` stage: features of whole clips from a frozen model, one file per item, and lists of them."""
