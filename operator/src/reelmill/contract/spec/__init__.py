"""The VideoPipeline resource as pydantic models: the only truth about its fields.

One file per block under `sources/` and `stages/`; `pipeline.py` puts them together. The CRD, the editor schema, the
field reference and the command line's validation are made from these models. Nothing is imported here: a step needs
its own block alone, and to put all of them together takes a process a fifth of a second.
"""
