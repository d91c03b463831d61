"""Still pictures of items for display, decoded in a separate process."""
