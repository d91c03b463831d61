"""What stores in buckets share, whatever their server: the Secret of a connection, and transfers of whole objects."""
