"""The VideoPipeline resource as pydantic models.

There is one module for each block in `sources/` and `stages/`; `pipeline.py` combines them. The CRD, the editor schema,
the field reference and the validation of the command line are derived from these models. This package imports nothing,
because a step needs only its own block, and importing all of them takes 0.2 s.
"""
