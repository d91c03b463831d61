"""What a bug report says about the operator of a cluster: version, settings, state and log, and the definition."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from reelmill.cli.cluster.client import PODS, ClusterClient, connected_client
from reelmill.cli.cluster.pipeline_view import Json
from reelmill.cli.commands.support.bundle import SupportBundle
from reelmill.cli.commands.support.cluster_facts import add_logs, pod_facts
from reelmill.cli.input.options import ClusterOptions
from reelmill.contract.errors import ReelmillError, SpecError
from reelmill.contract.text.redaction import REMOVED
from reelmill.schema.crd import GROUP, PLURAL, crd

DEPLOYMENTS = ("apis/apps/v1", "deployments")
DEFINITION = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
OPERATOR = "app.kubernetes.io/name=reelmill,app.kubernetes.io/component=operator"
"""Labels that chart and kustomize give the operator."""


def add_operator(bundle: SupportBundle, link: ClusterClient, place: ClusterOptions) -> None:
    """The server, the definition, and every operator that the caller may see."""
    bundle.collect("cluster/version.json", lambda: link.get("/version"))
    bundle.collect("cluster/definition.json", lambda: definition_facts(link.get(DEFINITION)))
    for deployment in bundle.attempt("operator", lambda: _deployments(link)):
        namespace, name = (deployment["metadata"][part] for part in ("namespace", "name"))
        folder = f"operator/{namespace}-{name}"
        bundle.document(f"{folder}/deployment.json", deployment_facts(deployment))
        with (
            bundle.noting_errors(f"{folder}/pods.json"),
            connected_client(replace(place, namespace=namespace)) as client,
        ):
            pods = client.every(PODS, labels=OPERATOR)
            bundle.document(f"{folder}/pods.json", [pod_facts(pod) for pod in pods])
            add_logs(bundle, client, pods, folder)


def _deployments(link: ClusterClient) -> list[Json]:
    """The operators of all namespaces, or of the pipeline's where no more may be read. Raises SpecError without one."""
    try:
        found = link.every(DEPLOYMENTS, labels=OPERATOR, everywhere=True)
    except ReelmillError:
        found = link.every(DEPLOYMENTS, labels=OPERATOR)
    if not found:
        raise SpecError("no Deployment has the labels of an operator", hint="it may run outside of the cluster")
    return found


def deployment_facts(deployment: Json) -> Json:
    """Image, arguments and settings of an operator, and its state."""
    spec = deployment.get("spec") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    return {
        "name": deployment["metadata"]["name"],
        "namespace": deployment["metadata"]["namespace"],
        "labels": deployment["metadata"].get("labels"),
        "replicas": spec.get("replicas"),
        "containers": [
            {
                "image": each.get("image"),
                "options": _option_names(each),
                "resources": each.get("resources"),
                "settings": _settings(each),
            }
            for each in containers
        ],
        "status": deployment.get("status"),
    }


def _option_names(container: Json) -> list[str]:
    """The names of the options in the arguments."""
    return [str(word).partition("=")[0] for word in container.get("args") or () if str(word).startswith("-")]


def _settings(container: Json) -> dict[str, Any]:
    """The variables that are settings of this release; of others, the values are left out."""
    from reelmill.controller.settings import PREFIX, OperatorSettings

    # Annotations of pods are those of other tools.
    known = {f"{PREFIX}{name.upper()}" for name in OperatorSettings.model_fields if name != "stages_pod_annotations"}
    variables = {str(each.get("name")): each for each in container.get("env") or ()}
    return {
        name: each.get("value", "from a field or a Secret") if name in known else REMOVED
        for name, each in variables.items()
    }


def definition_facts(definition: Json) -> Json:
    """The state of the CustomResourceDefinition, and whether its schema is that of this program."""
    versions = (definition.get("spec") or {}).get("versions") or ()
    ours = {each["name"]: _digest(each["schema"]) for each in crd()["spec"]["versions"]}
    return {
        "versions": [
            {
                "name": each.get("name"),
                "served": each.get("served"),
                "storage": each.get("storage"),
                "schema": _digest(each.get("schema")),
                "schemaOfThisProgram": ours.get(each.get("name")),
            }
            for each in versions
        ],
        "status": definition.get("status"),
    }


def _digest(schema: Any) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]
