"""Commands about what stages keep and drop."""
