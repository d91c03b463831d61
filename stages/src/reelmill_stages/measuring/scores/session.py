"""ONNX models, run by onnxruntime on one CPU, because a pod has one worker per CPU."""

from collections.abc import Mapping, Sequence
from typing import Any

from reelmill.contract.errors import SpecError
from reelmill.contract.spec.file import FileRef
from reelmill_stages.measuring.models import Fetch

_ERRORS_ONLY = 3


class Session:
    """A loaded ONNX model."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs = {each.name: tuple(each.shape) for each in session.get_inputs()}
        """Shapes by name; a dimension that is not fixed is not a number."""
        self.outputs = {each.name: tuple(each.shape) for each in session.get_outputs()}
        """Shapes by name, as for `inputs`."""

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata that the author of the file added."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Return the outputs, in the order of the file, for arrays by input name."""
        return list(self._session.run(None, dict(inputs)))

    def run_on(self, array: Any) -> Any:
        """Return the first output for an array as the first input."""
        return self._session.run(None, {next(iter(self.inputs)): array})[0]


def open_session(field: str, ref: FileRef, fetch: Fetch) -> Session:
    """Load a model. Raises SpecError if the file is not a model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # A model loaded from memory cannot refer to other files.
    content = fetch(ref).read_bytes()
    try:
        return Session(onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"]))
    except Exception as error:
        raise unfit(field, ref, f"not a model in ONNX: {_first_line(error)}") from error


def check_names(session: Session, field: str, ref: FileRef, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise SpecError if a model lacks inputs or outputs."""
    missing = [name for name in inputs if name not in session.inputs]
    missing += [name for name in outputs if name not in session.outputs]
    if missing:
        has = ", ".join([*session.inputs, *session.outputs])
        raise unfit(field, ref, f"the model has no {', '.join(missing)}; it has {has}")


def unfit(field: str, ref: FileRef, what: str) -> SpecError:
    """Return the error for a file that is not the model of this field."""
    return SpecError(
        what, where=f"measure.{field}: {ref.uri}", hint="give the file that the description of the field names"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
