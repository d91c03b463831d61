"""Commands about earlier states of data sets."""
