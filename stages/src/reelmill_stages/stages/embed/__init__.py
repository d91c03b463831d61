"""`embed`: features of whole clips by a frozen model, one file per item, and lists that lead to them."""
