"""Commands about damage in a store."""
