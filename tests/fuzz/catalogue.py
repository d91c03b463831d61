"""Every parser of foreign bytes and of our own records, as a target of the fuzzer."""

from fuzz.target import Target

_MEDIA = "reelmill_stages.media"
_STAGES = "reelmill_stages.stages"
_SOURCES = "reelmill_stages.sources"
_UNTRUSTED = "reelmill_stages.untrusted"

_TARGETS = (
    Target("containers", "extent", (f"{_MEDIA}.container.extent",), max_bytes=512),
    Target("containers", "edit_list", (f"{_MEDIA}.container.editlist",), max_bytes=2048),
    Target("containers", "media_file", (_MEDIA,), max_bytes=16384, seconds=6),
    Target("containers", "media_clip", (_MEDIA,), max_bytes=16384, seconds=6),
    Target("bitstreams", "h264", (f"{_MEDIA}.bitstream",)),
    Target("bitstreams", "hevc", (f"{_MEDIA}.bitstream",)),
    Target("bitstreams", "av1", (f"{_MEDIA}.bitstream",)),
    Target("bitstreams", "vp8", (f"{_MEDIA}.bitstream",), max_bytes=512),
    Target("bitstreams", "vp9", (f"{_MEDIA}.bitstream",), max_bytes=512),
    Target("bitstreams", "mpeg4", (f"{_MEDIA}.bitstream",)),
    Target("bitstreams", "mpeg2", (f"{_MEDIA}.bitstream",)),
    Target("bitstreams", "nal_units", (f"{_MEDIA}.bitstream",)),
    Target("packet_tables", "packet_table", (f"{_MEDIA}.timeline", f"{_MEDIA}.cutting.cut"), max_bytes=1024),
    Target("tars", "tar", ("reelmill_stages.tar",), max_bytes=16384),
    Target("tars", "tar_content", ("reelmill_stages.tar", f"{_STAGES}.index", "reelmill_stages.tokens.rules"), 16384),
    Target("tars", "tar_documents", ("reelmill_stages.tar", f"{_STAGES}.tokenize.tar_samples"), 16384),
    Target("tars", "tar_reader", ("reelmill_stages.tar", "reelmill_stages.datasets.tar_set"), 16384),
    Target("arrays", "keypoints", (f"{_MEDIA}.keypoints", _UNTRUSTED)),
    Target("arrays", "lip_crops", (f"{_STAGES}.embed.lip_crops", _UNTRUSTED)),
    Target("arrays", "frames_pickle", (f"{_STAGES}.frames.pickles", _UNTRUSTED)),
    Target("arrays", "plain_pickles", (f"{_UNTRUSTED}.pickles",)),
    Target("arrays", "weights", ("reelmill_stages.models.outline", _UNTRUSTED)),
    Target("arrays", "grid_npz", (f"{_STAGES}.grid.containers", _UNTRUSTED)),
    Target("arrays", "wav", ("reelmill_stages.datasets.wav", "wave"), max_bytes=512),
    Target("tables", "separated", (f"{_SOURCES}.tables",)),
    Target("tables", "json_values", (f"{_SOURCES}.tables",)),
    Target("tables", "parquet", (f"{_SOURCES}.tables",), max_bytes=8192),
    Target("tables", "info_csv", (f"{_SOURCES}.tables",)),
    Target("tables", "table_cells", (f"{_SOURCES}.tables",), json=True),
    Target("listings", "table_listing", (_SOURCES,)),
    Target("listings", "caption_listing", (_SOURCES,), json=True),
    Target("listings", "pair_listing", (_SOURCES,), json=True),
    Target("listings", "clip4mc_listing", (_SOURCES,), json=True),
    Target("listings", "lip_listing", (_SOURCES,), json=True),
    Target("listings", "multiview_listing", (_SOURCES,), json=True),
    Target("texts", "nested_json", (f"{_UNTRUSTED}.nested",)),
    Target("texts", "yaml_values", (_UNTRUSTED, "yaml")),
    Target("texts", "image", (f"{_UNTRUSTED}.images",)),
    Target("texts", "glob", (f"{_SOURCES}.globs",), max_bytes=1024),
    Target("texts", "messages", ("reelmill.contract.text",), max_bytes=1024),
    Target("texts", "log_lines", ("reelmill.plan.jobs.log_tail", "reelmill.cli.cluster.log_line")),
    Target("texts", "merge_list", (f"{_STAGES}.frames.captions.merges",)),
    Target("pipelines", "pipeline", ("reelmill.cli.input", "reelmill.contract.spec", "yaml")),
    Target("pipelines", "task", ("reelmill.contract.task",), json=True),
    Target("records", "record", ("reelmill.contract.records", "reelmill_stages.records"), json=True),
    Target("records", "rows", ("reelmill.contract.records", "reelmill_stages.records"), json=True),
    Target("records", "outcomes", ("reelmill.contract.records", "reelmill_stages.runtime.shards.outcomes"), json=True),
    Target("records", "ranges", ("reelmill.contract.ranges",), max_bytes=256),
    Target("records", "report", ("reelmill.contract.compact_report",), max_bytes=1024, json=True),
    Target("data_sets", "data_set", ("reelmill.contract.records", "reelmill_stages.records"), json=True),
    Target("data_sets", "foreign_data_set", (f"{_SOURCES}.objects", "reelmill_stages.records"), json=True),
    Target("checks", "check_texts", (_STAGES,), json=True),
    Target("checks", "check_files", (_STAGES,)),
)
TARGETS = {target.name: target for target in _TARGETS}
"""By name."""
