"""Pack items into tars that trainers open without preparation."""
