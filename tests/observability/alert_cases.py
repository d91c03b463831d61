"""For each alert, series that set it off, and when it must be silent and when it must fire."""

from typing import Any

NAME = '{name="videopipeline"}'
WAIT = 'workqueue_queue_duration_seconds_bucket{name="videopipeline",le="%s"}'

QUIET = {
    'leader_election_master_status{name="videopipeline",pod="a"}': "1x60",
    'leader_election_master_status{name="videopipeline",pod="b"}': "0x60",
    'controller_runtime_reconcile_errors_total{controller="videopipeline"}': "3x60",
    f"workqueue_longest_running_processor_seconds{NAME}": "2x60",
    WAIT % "1": "0+60x60",
    WAIT % "60": "0+60x60",
    WAIT % "+Inf": "0+60x60",
    "reelmill_write_limit_seconds_total": "0+6x60",
    'rest_client_requests_total{method="GET",code="200"}': "0+100x60",
    'rest_client_requests_total{method="GET",code="500"}': "0+1x60",
    "reelmill_watch_restarts_total": "0x60",
    "reelmill_damaged_objects": "0x60",
    "reelmill_verifications_failing": "0x60",
    'reelmill_pipelines{condition="Stalled"}': "0x60",
}
"""An operator without trouble, minute by minute, in promtool's notation."""

TROUBLE: dict[str, tuple[dict[str, str], int, int]] = {
    "ReelmillNobodyActs": ({'leader_election_master_status{name="videopipeline",pod="a"}': "0x60"}, 4, 6),
    "ReelmillSeveralAct": ({'leader_election_master_status{name="videopipeline",pod="b"}': "1x60"}, 4, 6),
    "ReelmillPassesFail": (
        {'controller_runtime_reconcile_errors_total{controller="videopipeline"}': "0+1x60"},
        14,
        17,
    ),
    "ReelmillPassDoesNotEnd": ({f"workqueue_longest_running_processor_seconds{NAME}": "301x60"}, 4, 6),
    "ReelmillQueueIsSlow": ({WAIT % "1": "0+10x60"}, 14, 17),
    "ReelmillWritesWait": ({"reelmill_write_limit_seconds_total": "0+45x60"}, 14, 25),
    "ReelmillApiServerFails": ({'rest_client_requests_total{method="GET",code="500"}': "0+10x60"}, 14, 17),
    "ReelmillWatchesBreak": ({"reelmill_watch_restarts_total": "0+1x60"}, 14, 32),
    "ReelmillStoreDamaged": ({"reelmill_damaged_objects": "1x60"}, 4, 6),
    "ReelmillVerificationFails": ({"reelmill_verifications_failing": "1x60"}, 14, 16),
    "ReelmillPipelinesStalled": ({'reelmill_pipelines{condition="Stalled"}': "1x60"}, 14, 16),
}
"""Alert -> series of the trouble, the last minute at which it is silent, and a minute at which it fires."""


def unit_tests(rules: str, alerts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A file for `promtool test rules`: nothing fires without trouble, and each trouble sets off its own alert only."""
    silent = [{"eval_time": "45m", "alertname": name} for name in alerts]
    tests = [{"name": "no trouble", "interval": "1m", "input_series": _series({}), "alert_rule_test": silent}]
    for name, (trouble, before, after) in TROUBLE.items():
        rule = alerts[name]
        fired = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
        checks: list[dict[str, Any]] = [
            {"eval_time": f"{before}m", "alertname": name},
            {"eval_time": f"{after}m", "alertname": name, "exp_alerts": [fired]},
            *({"eval_time": "45m", "alertname": other} for other in alerts if other != name),
        ]
        tests.append({"name": name, "interval": "1m", "input_series": _series(trouble), "alert_rule_test": checks})
    return {"rule_files": [rules], "evaluation_interval": "1m", "tests": tests}


def _series(trouble: dict[str, str]) -> list[dict[str, str]]:
    """Each with the label of a pod, as Prometheus gives it to what it scrapes."""
    return [{"series": _of_a_pod(name), "values": values} for name, values in (QUIET | trouble).items()]


def _of_a_pod(series: str) -> str:
    if "pod=" in series:
        return series
    return series.replace("}", ',pod="a"}') if "{" in series else series + '{pod="a"}'
