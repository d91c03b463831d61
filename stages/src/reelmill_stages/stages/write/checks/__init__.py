"""The rules of the libraries that read the formats of the stage `write`."""
