"""Traces of runs: spans of the run, its passes and their steps, exported by OTLP if an endpoint is configured."""
