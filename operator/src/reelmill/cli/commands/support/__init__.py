"""The support bundle: one archive with what a bug report needs, and without secrets."""
