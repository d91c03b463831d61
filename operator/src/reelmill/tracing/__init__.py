"""Traces of runs: spans of the run, its passes and their steps, exported by OTLP where a setting names an endpoint."""
