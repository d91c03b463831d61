"""Files of web servers, read by their URLs."""
