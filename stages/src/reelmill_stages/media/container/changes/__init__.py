"""What changes in the middle of a file: settings of decoders, streams, recordings."""
