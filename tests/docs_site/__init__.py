"""The documentation site, which `make docs` builds with MkDocs from docs/ and the documents of other folders."""
