"""The run report: one HTML page about a pipeline at one moment, which needs no network and runs no script."""
