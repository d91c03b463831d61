"""Parts of a task other than its data sets: limits, follow-up work, and parts of reports."""
