"""Still pictures of items for people to look at, decoded in a process of its own."""
