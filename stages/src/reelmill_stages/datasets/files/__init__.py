"""How readers find, verify and read the files of a data set."""
