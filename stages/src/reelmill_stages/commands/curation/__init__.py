"""Functions behind the commands about what stages keep and drop."""
