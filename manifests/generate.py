"""Generate the parts of manifests and chart that come from the code: RBAC rules, settings schema, admission.

`make generate` runs it. The chart has copies, because a packaged chart cannot contain files from outside its folder.
"""

import json
import textwrap
from pathlib import Path
from typing import Any

import yaml

from reelmill.contract.conditions import ConditionType
from reelmill.contract.policy.model import Policy
from reelmill.controller import rbac
from reelmill.controller.settings import OperatorSettings
from reelmill.schema.admission import admission_policy, binding
from reelmill.schema.crd import GROUP, PLURAL
from reelmill.schema.inline import INT_OR_STRING, tree

ROOT = Path(__file__).resolve().parents[1]
NAME = "reelmill-operator"
NOTE = "# Generated from reelmill.controller.rbac by `make generate`: do not edit.\n"
ADMISSION = "# Generated from reelmill.schema.admission by `make generate`: do not edit.\n"
ALERTS = "manifests/observability/alerts.yaml"
ALERTED = (ConditionType.STALLED,)
"""Conditions of pipelines that raise an alert."""
MARK = "    # Generated from reelmill.contract.conditions by `make generate`: do not edit below.\n"
VALUES_SCHEMA = "charts/reelmill/values.schema.json"
COPIES = {
    "charts/reelmill/files/dashboard.json": "manifests/observability/dashboard.json",
    "stages/src/reelmill_stages/commands/demo/pipeline.yaml": "manifests/samples/demo/pipeline.yaml",
    # Wheels and source distributions cannot contain files from outside their folder either.
    "operator/LICENSE": "LICENSE",
    "stages/LICENSE": "LICENSE",
}
ELSEWHERE = {
    "namespaces",
    "own_namespace",
    "identity",
    "listen",
    "stages_image",
    "embed_image",
    "stages_pull_policy",
    "stages_service_account",
    "stages_pod_labels",
    "stages_pod_annotations",
    "stages_scheduler_name",
    "stages_queue_system",
    "policy",
    "leader_election",
    "lease_name",
}
"""Settings that follow from other values of the chart, or from the pod itself."""


def rendered() -> dict[str, str]:
    """Path in the repository -> text."""
    return {
        "manifests/base/lease-role.yaml": _yaml(*_granted("Role", NAME + "-lease", rbac.lease_rules(NAME))),
        "manifests/overlays/cluster-wide/cluster-role.yaml": _yaml(*_granted("ClusterRole", NAME, rbac.rules())),
        "manifests/overlays/cluster-wide/user-roles.yaml": _yaml(*_user_roles()),
        "manifests/overlays/namespaced/role.yaml": _yaml(*_granted("Role", NAME, rbac.rules())),
        "charts/reelmill/files/rules.yaml": _yaml(rbac.rules()),
        "charts/reelmill/files/dashboard-rules.yaml": _yaml(rbac.dashboard_rules()),
        "charts/reelmill/files/lease-rules.yaml": _yaml(rbac.lease_rules(NAME)),
        "charts/reelmill/files/user-roles.yaml": _yaml(*_user_roles()),
        "manifests/policy/admission-policy.yaml": _yaml(
            admission_policy(NAME), binding(NAME, "reelmill-system"), note=ADMISSION
        ),
        "charts/reelmill/files/admission-policy.yaml": _yaml(admission_policy(NAME)["spec"], note=ADMISSION),
        "manifests/gitops/argocd/argocd-cm.yaml": _argocd(),
        VALUES_SCHEMA: _values_schema(),
        ALERTS: _alerts(),
        "charts/reelmill/files/alerts.yaml": _alerts(),
        **{copy: (ROOT / original).read_text() for copy, original in COPIES.items()},
    }


def _argocd() -> str:
    """Health checks and actions of pipelines in Lua, for Argo CD's ConfigMap."""
    folder, kind = ROOT / "manifests/gitops/argocd", "reelmill.dev_VideoPipeline"
    actions = {path.stem: path.read_text() for path in sorted((folder / "actions").glob("*.lua"))}
    definitions = "".join(f"- name: {name}\n  action.lua: |\n{_indented(text, 4)}" for name, text in actions.items())
    discovery = f"discovery.lua: |\n{_indented((folder / 'discovery.lua').read_text(), 2)}definitions:\n{definitions}"
    health = (folder / "health.lua").read_text()
    return (
        "# Generated from the Lua files by `make generate`: do not edit.\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  labels: {app.kubernetes.io/part-of: argocd}\n"
        f"data:\n  resource.customizations.health.{kind}: |\n{_indented(health, 4)}"
        f"  resource.customizations.actions.{kind}: |\n{_indented(discovery, 4)}"
    )


def _indented(text: str, spaces: int) -> str:
    return textwrap.indent(text, " " * spaces)


def _granted(kind: str, name: str, rules: list[rbac.Rule]) -> list[dict[str, Any]]:
    """A role, and its binding to the operator's service account."""
    api = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": "reelmill-system"}
    return [
        {"apiVersion": f"{api}/v1", "kind": kind, "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": f"{api}/v1",
            "kind": f"{kind}Binding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": api, "kind": kind, "name": name},
            "subjects": [subject],
        },
    ]


def _user_roles() -> list[dict[str, Any]]:
    """Roles for pipelines that Kubernetes aggregates into its roles `view`, `edit` and `admin`."""
    verbs = {"view": ["get", "list", "watch"], "edit": ["create", "update", "patch", "delete", "deletecollection"]}
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {
                "name": f"reelmill-{word}",
                "labels": {f"rbac.authorization.k8s.io/aggregate-to-{word}": "true"},
            },
            "rules": [{"apiGroups": [GROUP], "resources": [PLURAL], "verbs": allowed}],
        }
        for word, allowed in verbs.items()
    ]


def _values_schema() -> str:
    """The chart's schema, with the operator's settings under `settings`."""
    schema = json.loads((ROOT / VALUES_SCHEMA).read_text())
    fields = tree(OperatorSettings)["properties"]
    schema["properties"]["settings"]["properties"] = {
        _camel(name): field for name, field in fields.items() if name not in ELSEWHERE
    }
    schema["properties"]["policy"] = _closed(tree(Policy))
    return json.dumps(schema, indent=2) + "\n"


def _closed(node: Any) -> Any:
    """A schema for Helm: maps reject unknown keys, quantities may be numbers, and descriptions have one line."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {name: _closed(each) for name, each in node.items() if name != INT_OR_STRING}
    if "patternProperties" in found:
        found["additionalProperties"] = False
    if node.get(INT_OR_STRING):
        found["type"] = ["string", "integer"]
    if isinstance(found.get("description"), str):
        found["description"] = " ".join(found["description"].split())
    return found


def _alerts() -> str:
    """The alert rules: the written ones about the operator, and one for each condition in `ALERTED`."""
    written = (ROOT / ALERTS).read_text().partition(MARK)[0]
    return written + MARK + "".join(map(_alert, ALERTED))


def _alert(condition: ConditionType) -> str:
    return f"""\
    - alert: ReelmillPipelines{condition}
      expr: max(reelmill_pipelines{{condition="{condition}"}}) > 0
      for: 15m
      labels: {{severity: info}}
      annotations:
        runbook: docs/runbooks.md#reelmillpipelines{condition.lower()}
        summary: "Pipelines are {condition}: {condition.meaning}"
        description: "kubectl get videopipelines --all-namespaces shows which; each says in its conditions what to do."
"""


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _yaml(*documents: Any, note: str = NOTE) -> str:
    return note + yaml.safe_dump_all(json.loads(json.dumps(documents)), sort_keys=False, width=120)


def main() -> None:
    """Write every file whose content is out of date."""
    for name, text in rendered().items():
        path = ROOT / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
