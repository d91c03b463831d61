"""Commands about the inputs of items, and about the items made from them."""
