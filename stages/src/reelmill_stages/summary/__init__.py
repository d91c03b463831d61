"""The summary of a pipeline at one moment, from commits and rows: the one source of status, funnel, report and page."""
