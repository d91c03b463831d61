"""The models of a `measure` stage: each is optional, and each names its weights."""

from typing import Annotated, Literal

from pydantic import Field

from reelmill.contract.spec.file import FileRef
from reelmill.contract.spec.spec_model import SpecModel

Threshold = Annotated[float, Field(ge=0, le=1)]


class TextModels(SpecModel):
    """Text in the picture by two models of PaddleOCR (PP-OCR) in ONNX: `text_share` and `text`."""

    detector: FileRef
    """Detection model, PP-OCRv3 or later (`…_det_….onnx`)."""
    recogniser: FileRef
    """Recognition model (`…_rec_….onnx`), with its characters in the metadata of the file."""
    min_score: Threshold = 0.5
    """Minimum score of a line of text; boxes without readable text are ignored."""


class FacesModel(SpecModel):
    """Faces by CenterFace: `faces` and `largest_face`."""

    weights: FileRef
    """`centerface.onnx`."""
    min_score: Threshold = 0.5
    """Minimum score of a face."""


class NsfwModel(SpecModel):
    """Nudity by Yahoo's Open NSFW: `nsfw`."""

    weights: FileRef
    """Open NSFW in ONNX: 224 x 224 pixels, BGR, minus the mean of ImageNet."""


class SpeechModel(SpecModel):
    """Voice activity by Silero VAD: `speech`."""

    weights: FileRef
    """`silero_vad.onnx`, version 5 or later."""
    min_score: Threshold = 0.5
    """Minimum probability of speech of a window of 32 ms."""


class BrisqueModel(SpecModel):
    """Quality without a reference by BRISQUE: `brisque`."""

    weights: FileRef
    """Support vector regression in the text format of libsvm, such as `allmodel` of the authors."""
    ranges: FileRef
    """Ranges of the 36 features in the text format of `svm-scale`, such as `allrange` of the authors."""


class ClipModel(SpecModel):
    """Scores from the CLIP embeddings of frames: `aesthetic` and `text_similarity`. Needs torch."""

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)] = "ViT-L-14-quickgelu"
    """Architecture, by its open_clip name. Use a `-quickgelu` model for the weights of OpenAI."""
    weights: FileRef
    """State dict of the whole model (PyTorch or safetensors); missing and unexpected keys are errors."""
    aesthetic: FileRef | None = None
    """Head on the normalised embedding: a state dict whose matrices, applied one after the other, end in one number.
    Without it, `aesthetic` is not measured."""
    text: Literal["text", "caption", "none"] = "text"
    """Field of the item that is compared with its frames. `none`: `text_similarity` is not measured. An item without
    the field has no `text_similarity`."""
