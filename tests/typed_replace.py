"""Mypy plugin: `Model.replace(...)` accepts only the fields of its model, with their types.

mypy checks `dataclasses.replace`, but pydantic's plugin does not check `model_copy(update=...)`. The signature is
derived from the attributes that the model and its bases declare.
"""

from collections.abc import Callable, Iterator

from mypy.nodes import ARG_NAMED_OPT, TypeInfo, Var
from mypy.plugin import MethodSigContext, Plugin
from mypy.types import CallableType, FunctionLike, Instance, Type, get_proper_type

MODEL = "reelmill.contract.model.Model"


class ReplacePlugin(Plugin):
    """Gives every call of `replace` the signature of its model."""

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        owner, _, method = fullname.rpartition(".")
        if method != "replace":
            return None
        found = self.lookup_fully_qualified(owner)
        is_model = found is not None and isinstance(found.node, TypeInfo) and found.node.has_base(MODEL)
        return _signature if is_model else None


def plugin(version: str) -> type[Plugin]:
    """The entry point of the plugin for mypy."""
    return ReplacePlugin


def _signature(context: MethodSigContext) -> CallableType:
    model = get_proper_type(context.type)
    if not isinstance(model, Instance):
        return context.default_signature
    fields = dict(_fields(model.type))
    return context.default_signature.copy_modified(
        arg_types=list(fields.values()), arg_kinds=[ARG_NAMED_OPT] * len(fields), arg_names=list(fields)
    )


def _fields(model: TypeInfo) -> Iterator[tuple[str, Type]]:
    """Names and types of the fields of a model; those of its bases first."""
    for base in reversed(model.mro):
        if base.fullname == MODEL or not base.has_base(MODEL):
            continue
        for name, symbol in base.names.items():
            if isinstance(symbol.node, Var) and symbol.node.type and not symbol.node.is_classvar and name[0] != "_":
                yield name, symbol.node.type
