"""The commit step: close the pass with a segment and write the views."""
