"""Search of a store for names of forgotten items and of everything made from them."""
