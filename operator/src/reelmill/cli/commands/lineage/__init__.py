"""Commands about what items were made of, and what was made of them."""
