"""One file per source block; what each lists is in the module of the same name among the stages' sources."""
