"""The `write` stage: writes items in the formats of training libraries, with the files that open them."""
