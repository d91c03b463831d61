"""Reasons why inputs are failed, filtered or skipped, as used in ledgers, retries, counts and messages.

Each word is declared only here, with its meaning, a remedy, and whether a retry can help; docs/reasons.md and
`reelmill why` are generated from the declarations. The stored words never change.

Users can define more reasons: in a stage or sampler, and as names of rules of a `filter` stage (`rule_name`). They are
stored, counted, shown and retried like these, but have no declaration (`item_reason` returns None). A rule cannot have
the name of a reason that is declared here.
"""

from __future__ import annotations

import re
from enum import StrEnum

from reelmill.contract.records.rows import Outcome


class RetryHelps(StrEnum):
    """Whether processing the same input again can have another outcome."""

    YES = "yes"
    ONCE_REMOVED = "once the cause is removed"
    NO = "no"


_YES, _ONCE_REMOVED, _NO = RetryHelps.YES, RetryHelps.ONCE_REMOVED, RetryHelps.NO
_REPLACE = "replace the file, and give the source a new `epoch`"
_FAILED, _FILTERED, _SKIPPED = (Outcome.FAILED,), (Outcome.FILTERED,), (Outcome.SKIPPED,)


class ItemReason(StrEnum):
    """Reasons of ledger rows. A retry covers failed inputs, and skipped ones if it names their class and can help them.
    A changed parameter starts another data set instead.
    """

    outcomes: tuple[Outcome, ...]
    """Outcomes that it can occur with."""
    retry: RetryHelps
    meaning: str
    remedy: str
    """Remedy."""

    def __new__(
        cls, word: str, outcomes: tuple[Outcome, ...], retry: RetryHelps, meaning: str, remedy: str
    ) -> ItemReason:
        new = str.__new__(cls, word)
        new._value_, new.outcomes, new.retry, new.meaning, new.remedy = word, outcomes, retry, meaning, remedy
        return new

    # fmt: off
    # The runtime: processing of an input ended before the stage returned an outcome.
    CRASH = "crash", _FAILED, _YES, "the worker process died on the input", "`reelmill replay` shows how; report it"
    OUT_OF_MEMORY = (
        "out_of_memory", _FAILED, _YES, "the worker process ran out of memory on the input, even when alone",
        "give the stage more memory, then retry")
    TOO_MANY_FILES = (
        "too_many_files", _FAILED, _YES, "the worker process ran out of open files on the input, even when alone",
        "raise the limit on open files (`ulimit -n`), then retry")
    TOO_MANY_THREADS = (
        "too_many_threads", _FAILED, _YES, "the worker process ran out of threads on the input, even when alone",
        "raise the limit on processes (`ulimit -u`, `pids.max`), then retry")
    DECODE_TIMEOUT = (
        "decode_timeout", _FAILED, _YES, "no result within `failures.itemTimeout`", "raise `itemTimeout`, or retry")
    SHARD_LOST = (
        "shard_lost", _FAILED, _YES, "the shard failed in every attempt and was given up", "read its log, then retry")
    FORGOTTEN = (
        "forgotten", _FILTERED, _NO, "the item was forgotten (`reelmill forget`); only an anonymous row remains",
        "nothing")
    WITHDRAWN = (
        "withdrawn", _SKIPPED, _YES, "its file contained data of a forgotten item, or it was a copy of one",
        "the next run processes it again")
    DUPLICATE_KEY = (
        "duplicate_key", _FAILED, _NO, "two inputs have, or produce, items with the same key", "give each its own key")
    NAME_TAKEN = (
        "name_taken", _FAILED, _NO, "a file of that name belongs to another item", "give the items different names")
    BAD_NAME = "bad_name", _FAILED, _NO, "a file cannot have this name", "rename the file or the item"

    # Objects of a source.
    MISSING = "missing", _FAILED, _ONCE_REMOVED, "the file does not exist", "add it, or correct the path"
    CHANGED = (
        "changed", _FAILED, _NO, "the file changed after it was listed", "give the source a new `epoch`")
    S3_5XX = "s3_5xx", _FAILED, _YES, "the server failed at every attempt", "retry when the server works again"
    UNREADABLE = (
        "unreadable", _FAILED, _ONCE_REMOVED, "reading the file is not permitted", "correct permissions or credentials")
    REDIRECT = (
        "redirect", _FAILED, _ONCE_REMOVED, "the server redirects to another host, or to another kind of address",
        "add the host to `web.allowedHosts`, or list the target of the redirect")
    PRIVATE_ADDRESS = (
        "private_address", _FAILED, _ONCE_REMOVED, "the address of the server is not public",
        "add the server to `web.privateServers` if it may be read")
    WRONG_LENGTH = (
        "wrong_length", _FAILED, _YES, "the server sends more bytes than it announced, or announces no length",
        "retry; if that does not help, copy the file to a bucket or folder")
    AMBIGUOUS = (
        "ambiguous", _FAILED, _ONCE_REMOVED, "several files or rows match", "name one of them, or remove the others")
    DUPLICATE = (
        "duplicate", (Outcome.FAILED, Outcome.FILTERED), _NO,
        "another row is identical, or a kept item has the same content", "nothing; the other one is used")
    DUPLICATE_ID = (
        "duplicate_id", _FAILED, _ONCE_REMOVED, "two images have the same number", "rename one of them")
    BAD_RECORD = (
        "bad_record", _FAILED, _ONCE_REMOVED, "a record of a reelmill data set among the files cannot be read",
        "restore the record, or remove it if the folder is no data set")
    LEAK = "leak", _FAILED, _ONCE_REMOVED, "the take is in another split, too", "remove it from one of them"

    # Rows of metadata.
    BAD_ROW = "bad_row", _FAILED, _ONCE_REMOVED, "the row is not in the form of the source", "correct the row"
    BAD_ID = "bad_id", _FAILED, _ONCE_REMOVED, "the id cannot be used as the name of an item", "correct the id"
    BAD_PATH = "bad_path", _FAILED, _ONCE_REMOVED, "the path is not below the folder of the source", "correct the path"
    BAD_TEXT = "bad_text", _FAILED, _ONCE_REMOVED, "the caption or conversation is not text", "correct the text"
    BAD_SIZE = "bad_size", _FAILED, _ONCE_REMOVED, "`size` is not a list of numbers", "correct the numbers"
    BAD_VALUE = "bad_value", _FAILED, _ONCE_REMOVED, "a value cannot be written as JSON", "correct the value"
    BAD_SPAN = "bad_span", _FAILED, _ONCE_REMOVED, "start and end are not a valid span", "correct start and end"
    SPAN_OUTSIDE = (
        "span_outside", _FAILED, _NO, "the span extends beyond the video",
        "correct the span, and give the source a new `epoch`")
    CLOCK_JUMPS = (
        "clock_jumps", _FAILED, _NO, "several recordings in one file; the position of its sound is unknown",
        "split the file, or set `clip.audio: drop`")
    BAD_RANGE = "bad_range", _FAILED, _ONCE_REMOVED, "the range annotation is not a range", "correct the annotation"
    BAD_LABELS = "bad_labels", _FAILED, _ONCE_REMOVED, "the label file cannot be used", "correct the file"
    NO_ANNOTATOR = (
        "no_annotator", _FAILED, _ONCE_REMOVED, "the annotator has no labels here", "name another annotator")
    UNKNOWN_LABEL = (
        "unknown_label", _FAILED, _NO, "a label is not in `classes`", "add it to `classes`, or correct the label")
    BAD_KEYPOINTS = "bad_keypoints", _FAILED, _NO, "the file of keypoints cannot be used", _REPLACE

    # Videos.
    NO_MEDIA = "no_media", _FAILED, _NO, "the item has no file", "read from a stage or source whose items have files"
    NO_VIDEO = "no_video", _FAILED, _NO, "the file has no video stream", "remove it from the source"
    EMPTY = "empty", _FAILED, _NO, "the file is empty", _REPLACE
    TRUNCATED = "truncated", _FAILED, _NO, "the file ends too early", _REPLACE
    CORRUPT = "corrupt", _FAILED, _NO, "the file is damaged", _REPLACE
    NOT_A_VIDEO = (
        "not_a_video", _FAILED, _NO, "files of this type are not read as video", "remove it from the source")
    TURN_CHANGES = (
        "turn_changes", _FAILED, _NO, "the orientation of the video changes between frames",
        "split the video there, or encode it with one orientation")
    STREAM_MOVES = (
        "stream_moves", _FAILED, _NO, "the pictures or the sound continue in another stream or codec of the file",
        "split the file where the message says")
    ENCRYPTED = "encrypted", _FAILED, _NO, "the pictures or the sound are encrypted", "decrypt the file"
    DECODE_ERROR = "decode_error", _FAILED, _NO, "the decoder returns no frame", "encode the video again"
    ZERO_DURATION = (
        "zero_duration", _FAILED, _NO, "the video or span has no frame", "correct the span, or remove the video")
    ENCODE_TIMEOUT = "encode_timeout", _FAILED, _YES, "ffmpeg took too long", "give the stage more CPUs, then retry"
    FFMPEG_FAILED = (
        "ffmpeg_failed", _FAILED, _YES, "ffmpeg failed; its first and last messages follow",
        "on a GPU, lower `workers`; retry")
    PICTURE_SIZE = (
        "picture_size", _FAILED, _NO, "the pictures are too large, or too small, for the encoder",
        "scale them before, with `normalise.maxSide`, or choose another codec")
    UNVERIFIED = (
        "unverified", _FAILED, _NO, "the clip does not show what was planned", "cut by encoding: `clip.mode: reencode`")
    TOO_SHORT = "too_short", _FILTERED, _NO, "shorter than `minLength`", "lower `minLength` to keep such clips"
    TOO_LONG = (
        "too_long", (Outcome.FILTERED, Outcome.FAILED), _NO,
        "longer than `maxLength`, or more tokens than fit", "raise the limit to keep it")
    NO_CLIP = "no_clip", _FAILED, _NO, "the clip is a span and has no file", "cut files: `clip.mode: copy`"
    VIRTUAL_CLIP = (
        "virtual_clip", _FAILED, _NO, "the clip is a span of a longer video", "cut files, or pack frames of it")
    NOT_SELECTED = (
        "not_selected", _FILTERED, _NO, "its group has as many items as `select` keeps of it",
        "raise `count`, `share` or the quota to keep more")
    CAP = "cap", _SKIPPED, _NO, "beyond `maxSamples`", "raise `maxSamples` to include it"

    # Rules about fields of items.
    NO_FIELD = (
        "no_field", _FAILED, _NO, "the item lacks a field that a rule or a prompt names",
        "name fields that items have, or set `missing` of the rule")
    BAD_FIELD = (
        "bad_field", _FAILED, _NO, "a field that a rule reads has another type, or is not a finite number",
        "correct the field at its origin, or write a rule for its type")

    # Several views, chunks.
    NO_VIEW = "no_view", _FAILED, _NO, "the item lacks a view", "name views that every item has"
    SHORT_VIEW = "short_view", _FAILED, _NO, "a view has fewer frames than the others", _REPLACE
    OUT_OF_STEP = "out_of_step", _FAILED, _NO, "the views run at different speeds", "convert them to one frame rate"
    OUTSIDE = (
        "outside", _FAILED, _NO, "the annotation extends beyond the video",
        "correct the annotation, and give the source a new `epoch`")
    SIZE_CHANGES = (
        "size_changes", _FAILED, _NO, "frames of one video differ in size", "give the stage `width` and `height`")
    FRAME_RATE = (
        "frame_rate", _FAILED, _NO, "the frames do not have the frame rate of the data set",
        "give the stage the frame rate of its input, or convert it: `normalise.fps`")
    FRAME_SIZE = (
        "frame_size", _FAILED, _NO, "the pictures do not have the size of the data set",
        "give the stage the size of its input, or convert it with a `normalise` stage")
    HIDDEN_FRAMES = (
        "hidden_frames", _FAILED, _NO, "the file contains hidden pictures, so its packets cannot be joined",
        "cut by encoding: `clip.mode: reencode`")
    NO_LABELS = "no_labels", _FILTERED, _NO, "no frame of the item has a label", "nothing, or label it"

    # Samples of tars, and input of tokenizers.
    BAD_TAR = "bad_tar", _FAILED, _NO, "the tar cannot be indexed", "change its members as the message says"
    BAD_SAMPLE = "bad_sample", _FAILED, _NO, "the sampler returned parts that cannot be packed", "correct the sampler"
    TOO_LARGE = "too_large", _FAILED, _NO, "a file is larger than the format can hold", "cut shorter clips"
    NO_JSON = "no_json", _FAILED, _NO, "the sample has no json", "pack it with a sampler that writes one"
    BAD_JSON = "bad_json", _FAILED, _NO, "the sample's json cannot be used", "correct the sampler that wrote it"
    NO_DOCUMENTS = "no_documents", _FAILED, _NO, "no sample of the tar can be used", "check the counts in the message"
    NO_TEXT = "no_text", _FAILED, _NO, "the sample has no text to learn", "give its item a caption or conversation"
    UNKNOWN_SCRIPT = (
        "unknown_script", _FAILED, _NO, "the tokenizer has no token for any letter of the text to learn",
        "use a tokenizer for the script of the text, such as one with a fallback to bytes")
    BAD_TURN = "bad_turn", _FAILED, _NO, "a turn of the conversation is not valid", "correct the conversation"
    CONTROL_SYMBOL = "control_symbol", _FAILED, _NO, "a text would become a control symbol", "change the text"
    NO_IMAGES = "no_images", _FAILED, _NO, "the sample contains a whole video", "pack with the sampler `un` or `kf`"
    IMAGE_COUNT = "image_count", _FAILED, _NO, "the numbers of images and placeholders differ", "correct the text"
    IMAGE_MISSING = "image_missing", _FAILED, _NO, "an image that the sample lists is not in it", "pack it again"
    BAD_IMAGE = "bad_image", _FAILED, _NO, "an image of the sample cannot be opened", "pack it again"

    # Images and features.
    NOT_AN_IMAGE = "not_an_image", _FAILED, _NO, "the file is not an image in a supported format", _REPLACE
    DAMAGED_IMAGE = "damaged_image", _FAILED, _NO, "the image is damaged", _REPLACE
    HUGE_IMAGE = "huge_image", _FAILED, _NO, "the image has too many pixels", "make it smaller"
    NOT_FINITE = "not_finite", _FAILED, _NO, "the features contain NaN or infinity", "use another `dtype`"
    NAN_FEATURES = "nan_features", _FAILED, _NO, "some features are NaN or infinite", "check the input and the weights"
    NO_FRAMES = "no_frames", _FAILED, _NO, "no frames can be read", "give the frames stage `layout` npy or jpg"
    NOT_AN_NPZ = "not_an_npz", _FAILED, _NO, "the file is not an npz file", _REPLACE
    NO_VECTOR = (
        "no_vector", _FAILED, _NO, "the file does not hold one vector, or one for each frame",
        "read from an `embed` stage, or from files with a single array")
    NO_DATA_KEY = "no_data_key", _FAILED, _NO, "the npz file has no array `data`", _REPLACE
    WRONG_DTYPE = "wrong_dtype", _FAILED, _NO, "the crops are not uint8", _REPLACE
    WRONG_SHAPE = "wrong_shape", _FAILED, _NO, "the crops have another shape", _REPLACE

    # Servers with models.
    BUDGET = (
        "budget", _SKIPPED, _ONCE_REMOVED, "the stage has reached its spending limit (`limits`)",
        "raise the limit; the items are then processed")
    SERVER_BUSY = (
        "server_busy", _FAILED, _YES, "the server answered 429 (too many requests) until the timeout",
        "lower `concurrency` or `parallelism`, then retry")
    SERVER_FAILED = (
        "server_failed", _FAILED, _YES, "the server failed or closed the connection until the timeout",
        "retry when the server works again")
    REQUEST_REJECTED = (
        "request_rejected", _FAILED, _ONCE_REMOVED, "the server rejects the request for this item",
        "see the message; use fewer or smaller frames, or a shorter prompt")
    ANSWER_REFUSED = (
        "answer_refused", _FAILED, _NO, "the model, or a filter of the server, refused to answer",
        "nothing, or another prompt or model")
    ANSWER_CUT = "answer_cut", _FAILED, _NO, "the answer reached the token limit", "raise `maxTokens`"
    BAD_ANSWER = (
        "bad_answer", _FAILED, _YES, "the answer is unusable: empty, not JSON, or not valid against the schema",
        "retry, or change the prompt or the schema")
    # fmt: on


_BY_WORD = {reason.value: reason for reason in ItemReason}


RULE_NAME = r"^[a-z][a-z0-9_]{0,39}$"
"""Pattern for names of rules: snake_case words, like all reasons."""


def rule_name(word: str) -> str:
    """Return the word. Raises ValueError if it cannot be the name of a rule."""
    if not re.fullmatch(RULE_NAME, word):
        raise ValueError(f"{word!r} cannot be the name of a rule: write a snake_case word such as too_dark")
    if word in _BY_WORD:
        raise ValueError(
            f"a rule cannot have the name {word!r}, which means something else in ledgers "
            f"({_BY_WORD[word].meaning}): choose another"
        )
    return word


def item_reason(word: str) -> ItemReason | None:
    """The declaration of a reason; None for a word of a user's stage or sampler."""
    return _BY_WORD.get(word)
