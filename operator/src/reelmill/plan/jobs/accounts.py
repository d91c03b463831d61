"""Seconds and cost of the pods of a pipeline, counted from its observed Jobs. Pure.

A Job is entered when it is created, and removed when it has ended. Pods of a Job with several indexes are counted
whenever their number changes; others, from the start of their Job to its end. While nothing changes, nothing is
written; running pods are added on request.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from reelmill.contract.spending import PodAccount, Prices, Spent
from reelmill.contract.task import Step
from reelmill.plan.jobs.observed_jobs import Observed

HourPrices = Mapping[str, float]
"""Stage (empty: steps without one) -> price of an hour of one of its pods."""


def entered(spent: Spent, job: str, stage: str, now: datetime) -> Spent:
    """Enter a new Job."""
    account = PodAccount(stage=stage, since=now.timestamp())
    return spent if job in spent.jobs else spent.replace(jobs={**spent.jobs, job: account})


def counted(
    spent: Spent, jobs: Mapping[str, Observed], current: Collection[str], hours: HourPrices, now: datetime
) -> Spent:
    """The spending, updated from the observed Jobs. `current` are the names of Jobs that may not be observed yet."""
    open_ = dict(spent.jobs)
    for name, found in jobs.items():
        if name not in open_ and found.live:  # created by an earlier release: counted from now on
            open_[name] = PodAccount(stage=found.stage, since=now.timestamp())
    for name, account in list(open_.items()):
        job = jobs.get(name)
        if job is None and name in current:
            continue
        if job is None or job.finished:
            spent = _with_seconds(spent, _seconds_until_end(account, job, now), account.stage, hours)
            del open_[name]
        elif job.step is Step.SHARDS and job.active != account.pods:
            spent = _with_seconds(spent, _running_seconds(account, now), account.stage, hours)
            open_[name] = account.replace(pods=job.active, since=now.timestamp())
    return spent.replace(jobs=open_)


def spending_until_now(spent: Spent, jobs: Mapping[str, Observed], hours: HourPrices, now: datetime) -> Spent:
    """The spending, including running pods."""
    for name, account in spent.jobs.items():
        spent = _with_seconds(spent, _seconds_so_far(account, jobs.get(name), now), account.stage, hours)
    return spent


def settled(spent: Spent, jobs: Mapping[str, Observed], hours: HourPrices, now: datetime) -> Spent:
    """The spending, with running pods counted permanently.

    Nothing is lost when a Job is deleted, or suspended, after which Kubernetes no longer has its start time. The result
    never decreases, which could otherwise happen because Kubernetes reports the end of a Job in whole seconds.
    """
    accounts = dict(spent.jobs)
    for name, account in spent.jobs.items():
        job = jobs.get(name)
        if job is None or not (seconds := _seconds_so_far(account, job, now)):
            continue
        counted = 0.0 if job.step is Step.SHARDS else _duration(job, now)
        accounts[name] = account.replace(since=now.timestamp(), counted=counted)
        spent = _with_seconds(spent, seconds, account.stage, hours)
    return spent.replace(jobs=accounts)


def rate(spent: Spent, jobs: Mapping[str, Observed], hours: HourPrices) -> tuple[float, float]:
    """(pod seconds, cost) per second at this moment."""
    running = [(account.stage, jobs[name].active) for name, account in spent.jobs.items() if name in jobs]
    return float(sum(pods for _, pods in running)), sum(hours.get(stage, 0.0) * pods for stage, pods in running) / 3600


def restored(spent: Spent, pod_seconds: Mapping[str, float], hours: HourPrices) -> Spent:
    """Add the usage of each stage that is recorded in the store, once."""
    if spent.restored:
        return spent
    for stage, seconds in pod_seconds.items():
        spent = _with_seconds(spent, seconds, stage, hours)
    return spent.replace(restored=True)


def priced(spent: Spent, prices: Prices) -> Spent:
    """Set the currency, and a cost if there are prices. Amounts counted with earlier prices are kept."""
    return spent.replace(cost=spent.cost or 0.0, currency=prices.currency) if prices.known else spent


def _with_seconds(spent: Spent, seconds: float, stage: str, hours: HourPrices) -> Spent:
    cost = None if spent.cost is None else round(spent.cost + seconds / 3600 * hours.get(stage, 0.0), 6)
    return spent.replace(pod_seconds=round(spent.pod_seconds + seconds, 6), cost=cost)


def _running_seconds(account: PodAccount, now: datetime) -> float:
    return account.pods * max(now.timestamp() - account.since, 0.0)


def _seconds_so_far(account: PodAccount, job: Observed | None, now: datetime) -> float:
    if job is None or job.step is Step.SHARDS:
        return _running_seconds(account, now)
    return _uncounted_seconds(account, job, now) if job.active else 0.0


def _seconds_until_end(account: PodAccount, job: Observed | None, now: datetime) -> float:
    if job is None:
        return _running_seconds(account, now)
    if job.step is not Step.SHARDS:
        return _uncounted_seconds(account, job, job.ended or now)
    if account.pods or not job.started:
        return _running_seconds(account, job.ended or now)
    # It ended before its pods were observed.
    return _duration(job, job.ended or now) * min(max(job.parallelism, 1), max(len(job.shards), 1))


def _uncounted_seconds(account: PodAccount, job: Observed, end: datetime) -> float:
    """Seconds of a Job with one pod; a suspended Job starts from 0 when it is resumed."""
    resumed = job.started is not None and job.started.timestamp() > account.since
    return max(_duration(job, end) - (0.0 if resumed else account.counted), 0.0)


def _duration(job: Observed, end: datetime) -> float:
    return max((end - job.started).total_seconds(), 0.0) if job.started else 0.0
