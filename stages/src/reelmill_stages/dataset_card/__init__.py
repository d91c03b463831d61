"""Dataset cards: a README for Hugging Face, a Croissant description, and the tables that it describes."""
