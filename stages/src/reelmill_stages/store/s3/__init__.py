"""An S3 bucket, or a prefix in one, as a store."""
