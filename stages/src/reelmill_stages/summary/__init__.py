"""The summary of a pipeline at one moment, from commits and rows, for the status, funnel, report and page."""
