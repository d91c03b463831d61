"""Code shared by stores in buckets: the Secret of a connection, and transfers of whole objects."""
