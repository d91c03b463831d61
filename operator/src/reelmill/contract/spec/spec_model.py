"""Base class of the models of a pipeline, which read numbers and booleans as the Kubernetes API does."""

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from reelmill.contract.model import Model


def _whole_number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticKnownError("int_type")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticKnownError("float_type")
    return value


_CHECKS = {"int": _whole_number, "float": _number}


def _with_exact_scalars(schema: Any, model: type) -> Any:
    """The schema of a model, in which each number and boolean accepts no value of another type.

    Models inside of it are complete already.
    """
    if isinstance(schema, list | tuple):
        return type(schema)(_with_exact_scalars(each, model) for each in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")  # a dict in the schema of fields, one of which is called type
    if kind == "model" and schema["cls"] is not model:
        return schema
    if kind == "bool":
        return {**schema, "strict": True}
    if isinstance(kind, str) and (check := _CHECKS.get(kind)):
        return core_schema.no_info_before_validator_function(check, schema)
    return {name: value if name == "metadata" else _with_exact_scalars(value, model) for name, value in schema.items()}


class SpecModel(Model):
    """Model of a part of a pipeline.

    As the CRD does, it rejects booleans and text where a number is expected, and numbers and text where a boolean is
    expected, so that `samplesPerTar: true` is not read as 1. `12.0` is a whole number.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        if cls.__pydantic_complete__:  # a model that is part of another is asked again
            return schema
        checked: CoreSchema = _with_exact_scalars(schema, cls)
        return checked
