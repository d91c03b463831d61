"""An index of the rows of a data set, so that a page of a million items is found in milliseconds."""
