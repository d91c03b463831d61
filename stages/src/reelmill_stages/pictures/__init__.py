"""Charts of results as SVG and PNG: the funnel, histograms, and sheets of examples."""
