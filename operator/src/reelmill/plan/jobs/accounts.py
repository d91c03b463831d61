"""Seconds and cost of the pods of a pipeline, counted from what is seen of its Jobs. Pure.

A Job is entered when it is created, and taken out when it has ended. Pods of a Job with several indexes are counted
whenever their number changes; the others, from the start of their Job to its end. While nothing changes, nothing is
written: what runs is added when somebody asks.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from reelmill.contract.spending import PodAccount, Prices, Spent
from reelmill.contract.task import Step
from reelmill.plan.jobs.observed_jobs import Observed

HourPrices = Mapping[str, float]
"""Stage (empty: steps without one) -> price of an hour of one of its pods."""


def entered(spent: Spent, job: str, stage: str, now: datetime) -> Spent:
    """A Job is created."""
    account = PodAccount(stage=stage, since=now.timestamp())
    return spent if job in spent.jobs else spent.replace(jobs={**spent.jobs, job: account})


def counted(
    spent: Spent, jobs: Mapping[str, Observed], current: Collection[str], hours: HourPrices, now: datetime
) -> Spent:
    """What is spent, with what is seen of the Jobs now. `current` are the names of Jobs that may not be seen yet."""
    open_ = dict(spent.jobs)
    for name, found in jobs.items():
        if name not in open_ and found.live:  # of an earlier release: counted from now on
            open_[name] = PodAccount(stage=found.stage, since=now.timestamp())
    for name, account in list(open_.items()):
        job = jobs.get(name)
        if job is None and name in current:
            continue
        if job is None or job.finished:
            spent = _paid(spent, _until_the_end(account, job, now), account.stage, hours)
            del open_[name]
        elif job.step is Step.SHARDS and job.active != account.pods:
            spent = _paid(spent, _running(account, now), account.stage, hours)
            open_[name] = account.replace(pods=job.active, since=now.timestamp())
    return spent.replace(jobs=open_)


def until_now(spent: Spent, jobs: Mapping[str, Observed], hours: HourPrices, now: datetime) -> Spent:
    """What is spent, with the pods that run."""
    for name, account in spent.jobs.items():
        spent = _paid(spent, _so_far(account, jobs.get(name), now), account.stage, hours)
    return spent


def settled(spent: Spent, jobs: Mapping[str, Observed], hours: HourPrices, now: datetime) -> Spent:
    """What is spent, with the pods that run, counted for good.

    So nothing is lost when a Job is suspended, after which Kubernetes has forgotten when it began, or deleted. And it
    never becomes less, as it might by the whole seconds in which Kubernetes tells when a Job has ended.
    """
    accounts = dict(spent.jobs)
    for name, account in spent.jobs.items():
        job = jobs.get(name)
        if job is None or not (seconds := _so_far(account, job, now)):
            continue
        counted = 0.0 if job.step is Step.SHARDS else _lasted(job, now)
        accounts[name] = account.replace(since=now.timestamp(), counted=counted)
        spent = _paid(spent, seconds, account.stage, hours)
    return spent.replace(jobs=accounts)


def rate(spent: Spent, jobs: Mapping[str, Observed], hours: HourPrices) -> tuple[float, float]:
    """(pod seconds, cost) per second at this moment."""
    running = [(account.stage, jobs[name].active) for name, account in spent.jobs.items() if name in jobs]
    return float(sum(pods for _, pods in running)), sum(hours.get(stage, 0.0) * pods for stage, pods in running) / 3600


def restored(spent: Spent, pod_seconds: Mapping[str, float], hours: HourPrices) -> Spent:
    """Take in what the store knows of each stage, once."""
    if spent.restored:
        return spent
    for stage, seconds in pod_seconds.items():
        spent = _paid(spent, seconds, stage, hours)
    return spent.replace(restored=True)


def priced(spent: Spent, prices: Prices) -> Spent:
    """With the currency, and a cost if there are prices. What was counted by earlier prices stays."""
    return spent.replace(cost=spent.cost or 0.0, currency=prices.currency) if prices.known else spent


def _paid(spent: Spent, seconds: float, stage: str, hours: HourPrices) -> Spent:
    cost = None if spent.cost is None else round(spent.cost + seconds / 3600 * hours.get(stage, 0.0), 6)
    return spent.replace(pod_seconds=round(spent.pod_seconds + seconds, 6), cost=cost)


def _running(account: PodAccount, now: datetime) -> float:
    return account.pods * max(now.timestamp() - account.since, 0.0)


def _so_far(account: PodAccount, job: Observed | None, now: datetime) -> float:
    if job is None or job.step is Step.SHARDS:
        return _running(account, now)
    return _uncounted(account, job, now) if job.active else 0.0


def _until_the_end(account: PodAccount, job: Observed | None, now: datetime) -> float:
    if job is None:
        return _running(account, now)
    if job.step is not Step.SHARDS:
        return _uncounted(account, job, job.ended or now)
    if account.pods or not job.started:
        return _running(account, job.ended or now)
    # It was over before its pods were seen.
    return _lasted(job, job.ended or now) * min(max(job.parallelism, 1), max(len(job.shards), 1))


def _uncounted(account: PodAccount, job: Observed, end: datetime) -> float:
    """Seconds of a Job of one pod; a Job that was suspended begins anew when it is resumed."""
    resumed = job.started is not None and job.started.timestamp() > account.since
    return max(_lasted(job, end) - (0.0 if resumed else account.counted), 0.0)


def _lasted(job: Observed, end: datetime) -> float:
    return max((end - job.started).total_seconds(), 0.0) if job.started else 0.0
