"""The `normalise` stage: brings videos into one shape, and leaves alone what has it"""
