"""The keys of all objects in the store. Pure: no I/O.

    <name>/latest.json                      points to the current key
    <name>/<key10>/<views>                  views: files about the whole data set
    <name>/<key10>/0001/<outputs>           output files, for users
    <name>/<key10>/0001/_reelmill/…         plan, commits, rows and logs of the pass that made the segment
    <name>/<key10>/_reelmill/…              stage.json, drift.json, pinned digests, claims, answers of servers
    _reelmill/store.json                    records that the store passed its checks
    _reelmill/pipelines/…                   identities of pipeline files that ran on some machine
    _reelmill/verifications/…               progress of interrupted verifications
    _reelmill/frozen/<name>.json            a named state of data sets
    _reelmill/frozen/<name>/<stage>/…       views as they were in that state
    _reelmill/forgotten/<name>/…            tombstones of source items (`records.forgotten`)
    _reelmill/forgetting/…                  plans of `forget` in progress
    _reelmill/runs/…                        definitions of pipelines at their last survey, for run reports
    _reelmill/trash/<time>/<name>/<key10>/… what `reelmill prune --trash` moved away

`<name>` is the name of a source or stage; `<key10>` is the first ten hex digits of its key. All keys are relative to
the root of the store and use `/`.
"""

import re
from dataclasses import dataclass

INTERNAL = "_reelmill"
"""Name of the folder with reelmill's own records."""

KEY_DIGITS = 10
"""Number of hex digits of a stage key in the name of its folder."""

RUN = r"\d+-[0-9a-f]{8}"
"""Pattern of the ID of a run, which is part of the names of records."""

_LOG = re.compile(r"(\d{5,})-([^/\s]+)\.jsonl")


def identity(digest: str) -> str:
    """The identity of a pipeline file on one machine."""
    return f"{INTERNAL}/pipelines/{digest}.json"


def verification(uid: str) -> str:
    """The progress of the verification of a pipeline's data."""
    return f"{INTERNAL}/verifications/{uid}.json"


FROZEN = f"{INTERNAL}/frozen/"
"""Prefix of the frozen states."""


def frozen(name: str) -> str:
    """The frozen state with this name."""
    return f"{FROZEN}{name}.json"


def frozen_views(name: str) -> str:
    """Prefix of the views of a frozen state."""
    return f"{FROZEN}{name}/"


def frozen_view(name: str, data_set: str, view: str, digest: str) -> str:
    """A view of a data set in a frozen state; `digest` (`sha256:<hex>`) is that of its content."""
    return f"{frozen_views(name)}{data_set}/{digest.removeprefix('sha256:')[:KEY_DIGITS]}/{view}"


RUNS = f"{INTERNAL}/runs/"
"""Prefix of the definitions of pipelines at their last survey."""


def run(uid: str) -> str:
    """The definition of the pipeline with this identity at its last survey."""
    return f"{RUNS}{uid}.json"


def trash(moment: str) -> str:
    """Prefix for everything that is moved to the trash at one time, under its previous key."""
    return f"{INTERNAL}/trash/{moment}"


@dataclass(frozen=True, slots=True)
class DataSetPaths:
    """The keys of one data set: the segments and views of a stage or source under one stage key."""

    name: str
    key: str

    @property
    def root(self) -> str:
        return f"{self.name}/{self.key[:KEY_DIGITS]}"

    @property
    def latest(self) -> str:
        return f"{self.name}/latest.json"

    @property
    def stage_json(self) -> str:
        return f"{self.root}/{INTERNAL}/stage.json"

    @property
    def drift_json(self) -> str:
        return f"{self.root}/{INTERNAL}/drift.json"

    @property
    def users(self) -> str:
        """Prefix of the claims on this data set."""
        return f"{self.root}/{INTERNAL}/users/"

    def user(self, uid: str) -> str:
        """The claim of one pipeline on this data set."""
        return f"{self.users}{uid}.json"

    @property
    def pins(self) -> str:
        """Prefix of the pinned digests."""
        return f"{self.root}/{INTERNAL}/pins/"

    def pin(self, field: str) -> str:
        """The pinned digest of a file that the parameter `field` refers to without a digest."""
        return f"{self.pins}{field}.json"

    def answer(self, question: str) -> str:
        """A server's answer to the question with this digest (hex)."""
        return f"{self.root}/{INTERNAL}/answers/{question[:2]}/{question}.json"

    @property
    def spending(self) -> str:
        """Prefix of the records of spending on a server."""
        return f"{self.root}/{INTERNAL}/spending/"

    def spent(self, run: str, process: str) -> str:
        """The spending of one worker process of a run."""
        return f"{self.spending}{run}-{process}.json"

    def view(self, name: str) -> str:
        """A file about the whole data set, such as `dataset_info.json`."""
        return f"{self.root}/{name}"

    def segment(self, number: int) -> "SegmentPaths":
        return SegmentPaths(self, number)


@dataclass(frozen=True, slots=True)
class SegmentPaths:
    """The keys of one segment. `number` counts from 1, `shard` from 0; `run` identifies one run of a shard."""

    data_set: DataSetPaths
    number: int

    @property
    def root(self) -> str:
        return f"{self.data_set.root}/{self.number:04d}"

    @property
    def internal(self) -> str:
        return f"{self.root}/{INTERNAL}"

    @property
    def pass_json(self) -> str:
        return f"{self.internal}/pass.json"

    def plan_block(self, number: int) -> str:
        """The plan of some shards of a large pass; `number` counts from 1."""
        return f"{self.internal}/plans/{number:05d}.json"

    @property
    def segment_json(self) -> str:
        return f"{self.internal}/segment.json"

    @property
    def heartbeat(self) -> str:
        return f"{self.internal}/heartbeat.json"

    def output(self, name: str) -> str:
        """An output file, such as `clips/x.mp4`."""
        return f"{self.root}/{name}"

    def inputs(self, name: str) -> str:
        """Input rows of a retry pass, written by its open step."""
        return f"{self.internal}/inputs/{name}.jsonl"

    def outcomes(self, shard: int) -> str:
        return f"{self.internal}/outcomes/{shard:05d}.jsonl"

    def checkpoints(self, shard: int) -> str:
        """Prefix of a shard's checkpoints, one file for each run."""
        return f"{self.internal}/checkpoints/{shard:05d}/"

    def checkpoint(self, shard: int, run: str) -> str:
        return f"{self.checkpoints(shard)}{run}.jsonl"

    def flights(self, shard: int) -> str:
        """Prefix of the lists of items that a shard's runs are processing, one file for each run that has not ended."""
        return f"{self.internal}/flights/{shard:05d}/"

    def flight(self, shard: int, run: str) -> str:
        return f"{self.flights(shard)}{run}.json"

    @property
    def all_flights(self) -> str:
        """Prefix of these lists for all shards."""
        return f"{self.internal}/flights/"

    @property
    def usages(self) -> str:
        """Prefix of the usage of runs that did not commit their shard."""
        return f"{self.internal}/usage/"

    def usage(self, shard: int, run: str) -> str:
        return f"{self.usages}{shard:05d}-{run}.json"

    @property
    def shards(self) -> str:
        """Prefix of the shards' commits."""
        return f"{self.internal}/shards/"

    def shard(self, shard: int) -> str:
        return f"{self.shards}{shard:05d}.json"

    def shard_number(self, key: str) -> int | None:
        """The shard whose commit has this key; None for any other object below `shards`."""
        number = key.removeprefix(self.shards).removesuffix(".json")
        return int(number) if number.isdecimal() and self.shard(int(number)) == key else None

    def is_checkpoint(self, key: str) -> bool:
        """Whether an object below `checkpoints` is a checkpoint."""
        return bool(re.fullmatch(rf"{RUN}\.jsonl", key.rpartition("/")[2]))

    def is_flight(self, key: str) -> bool:
        """Whether an object below `flights` is such a list."""
        return bool(re.fullmatch(rf"{RUN}\.json", key.rpartition("/")[2]))

    def items(self, shard: int, run: str) -> str:
        return f"{self.internal}/items/{shard:05d}-{run}.jsonl"

    def ledger(self, shard: int, run: str) -> str:
        return f"{self.internal}/ledger/{shard:05d}-{run}.jsonl"

    def lineage(self, shard: int, run: str) -> str:
        """Which inputs the files of several items were made from."""
        return f"{self.internal}/lineage/{shard:05d}-{run}.jsonl"

    def signatures(self, shard: int, run: str) -> str:
        """Signatures of a shard's done inputs, for a stage that decides over the whole data set."""
        return f"{self.internal}/signatures/{shard:05d}-{run}.jsonl"

    def run_report(self, state: str) -> str:
        """The report of a run that ended when this segment was closed; `state` is the fingerprint in its `Moment`."""
        return f"{self.internal}/reports/{state}.html"

    def report_attempt(self, state: str, number: int) -> str:
        """Record that a process started to make such a report; `number` counts from 1."""
        return f"{self.internal}/reports/{state}-{number}.json"

    @property
    def verdicts_json(self) -> str:
        return f"{self.internal}/verdicts.json"

    def verdicts(self, shard: int, run: str) -> str:
        """The inputs of a shard that the verdicts filter."""
        return f"{self.internal}/verdicts/{shard:05d}-{run}.jsonl"

    def kept_bucket(self, number: int, run: str) -> str:
        """A bucket of the index of kept signatures."""
        return f"{self.internal}/kept/bucket-{number:05d}-{run}.bin"

    def kept_block(self, number: int, run: str) -> str:
        """Keys and signatures of kept inputs."""
        return f"{self.internal}/kept/block-{number:05d}-{run}.bin"

    def list_rows(self, run: str) -> str:
        """Rows of a source's lists, written by its listing."""
        return f"{self.internal}/lists/{0:05d}-{run}.jsonl"

    @property
    def logs(self) -> str:
        """Prefix of the shards' logs."""
        return f"{self.internal}/logs/"

    def log(self, shard: int, run: str) -> str:
        return f"{self.logs}{shard:05d}-{run}.jsonl"

    @property
    def commit_logs(self) -> str:
        """Prefix of the logs of commit steps, one file for each run."""
        return f"{self.internal}/commit-logs/"

    def commit_log(self, run: str) -> str:
        return f"{self.commit_logs}{run}.jsonl"

    def commit_log_of(self, key: str) -> str | None:
        """The run of the commit step's log with this key; None for any other object below `commit_logs`."""
        run = key.removeprefix(self.commit_logs).removesuffix(".jsonl")
        return run if run and "/" not in run and self.commit_log(run) == key else None

    def log_of(self, key: str) -> tuple[int, str] | None:
        """(shard, run) of the log with this key; None for any other object below `logs`."""
        found = _LOG.fullmatch(key.removeprefix(self.logs))
        named = (int(found[1]), found[2]) if found else None
        return named if named and self.log(*named) == key else None
