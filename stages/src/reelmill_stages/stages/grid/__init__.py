"""The `grid` stage: features of image patches by image id."""
