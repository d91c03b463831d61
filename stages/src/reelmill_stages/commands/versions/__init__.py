"""Commands about the states that a data set has had."""
