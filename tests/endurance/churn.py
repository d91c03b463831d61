"""Simulated user actions on pipelines: create, grow, edit, suspend, retry and delete."""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cluster.client import ApiError, Client
from control_plane.pipelines import KIND, resource
from endurance.symbolic_stores import SymbolicStores

Json = dict[str, Any]
DEEDS = (
    *("grow",) * 6,
    *("rerun", "parallelism", "view", "tolerance"),
    *("suspend", "resume", "fail", "retry", "touch"),
    *("delete",) * 2,
)


@dataclass
class Pipeline:
    """One existing pipeline."""

    name: str
    uri: str
    removes: bool
    """Whether its data is removed with it."""
    suspended: bool = False
    serial: int = 0


class Churn:
    """Keeps a number of pipelines in a namespace, and changes one of them at each `step`."""

    def __init__(self, client: Client, namespace: str, stores: SymbolicStores, count: int, seed: int) -> None:
        self._client, self._namespace, self._stores, self._count = client, namespace, stores, count
        self._chance = random.Random(seed)
        self.alive: list[Pipeline] = []
        self.deeds: Counter[str] = Counter()

    def step(self) -> str:
        """Perform the next action; returns its name."""
        if len(self.alive) < self._count:
            deed, one = "make", self._make()
        else:
            deed, one = self._chance.choice(DEEDS), self._chance.choice(self.alive)
            one.serial += 1
            getattr(self, f"_{deed}")(one)
        self.deeds[deed] += 1
        return f"{deed} {one.name}"

    def calm(self) -> None:
        """Resume everything, without further failures."""
        for one in self.alive:
            self._stores.at(one.uri).failing.clear()
            self._edit(one, {"spec": {"suspend": False}})
            self._request(one, "retry")

    def _make(self) -> Pipeline:
        number = sum(1 for store in self._stores.stores if store)
        name = f"p{number:05d}"
        one = Pipeline(name, f"s3://out/{name}", removes=number % 3 == 0)
        self._stores.at(one.uri).bucket["raw"] = [f"v{key}" for key in range(self._chance.randint(1, 8))]
        spec: Json = {"store": {"uri": one.uri}, "ttl": {"succeeded": "1m", "failed": "1m"}}
        spec["onDelete"] = "Delete" if one.removes else "Keep"
        if number % 2:
            spec["refresh"] = f"{self._chance.randint(1, 48)}h"
        self._client.create(resource(name, **spec), self._namespace)
        self.alive.append(one)
        return one

    def _grow(self, one: Pipeline) -> None:
        bucket = self._stores.at(one.uri).bucket["raw"]
        bucket += [f"v{len(bucket) + key}" for key in range(self._chance.randint(1, 3))]
        self._request(one, "refresh")

    def _fail(self, one: Pipeline) -> None:
        store = self._stores.at(one.uri)
        store.failing["clips", f"raw/v{len(store.bucket['raw'])}"] = ["decode"]
        self._edit_stage(one, "clips", failures={"tolerate": "100%"})
        self._grow(one)

    def _retry(self, one: Pipeline) -> None:
        self._request(one, "retry")

    def _rerun(self, one: Pipeline) -> None:
        self._edit_stage(one, self._chance.choice(["clips", "samples"]), rerun=str(one.serial))

    def _parallelism(self, one: Pipeline) -> None:
        self._edit_stage(one, "clips", parallelism=self._chance.randint(1, 4))

    def _view(self, one: Pipeline) -> None:
        self._edit_stage(one, "samples", view={"split": {"seed": one.serial}})

    def _tolerance(self, one: Pipeline) -> None:
        self._edit_stage(one, "samples", failures={"tolerate": f"{self._chance.randint(1, 99)}%"})

    def _suspend(self, one: Pipeline) -> None:
        self._edit(one, {"spec": {"suspend": True}})
        one.suspended = True

    def _resume(self, one: Pipeline) -> None:
        for each in [each for each in self.alive if each.suspended] or [one]:
            self._edit(each, {"spec": {"suspend": False}})
            each.suspended = False

    def _touch(self, one: Pipeline) -> None:
        self._edit(one, {"metadata": {"labels": {"touched": str(one.serial)}}})

    def _delete(self, one: Pipeline) -> None:
        self.alive.remove(one)
        path = self._client.path(KIND, self._namespace, one.name)
        self._client.json("DELETE", path, {"propagationPolicy": "Background"})

    def _request(self, one: Pipeline, word: str) -> None:
        self._edit(one, {"metadata": {"annotations": {f"reelmill.dev/{word}": f"{word}-{one.serial}"}}})

    def _edit(self, one: Pipeline, patch: Json) -> None:
        self._client.patch(KIND, one.name, patch, self._namespace)

    def _edit_stage(self, one: Pipeline, stage: str, **fields: Any) -> None:
        """Read, change and write, like kubectl edit; repeat if the object was changed in between."""
        for _ in range(20):
            found = self._client.get(KIND, one.name, self._namespace)
            for each in found["spec"]["stages"]:
                if each["name"] == stage:
                    each.update(fields)
            version = {"resourceVersion": found["metadata"]["resourceVersion"]}
            try:
                self._edit(one, {"metadata": version, "spec": {"stages": found["spec"]["stages"]}})
            except ApiError as error:
                if error.code != 409:
                    raise
            else:
                return
