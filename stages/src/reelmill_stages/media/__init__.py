"""Everything that understands video files."""
