"""`python -m reelmill.controller`: run the operator in a pod, with the pod's service account."""

import sys

from reelmill.contract.errors import ReelmillError
from reelmill.controller.kube.connection import Access
from reelmill.controller.operator import run
from reelmill.controller.settings import read


def main() -> int:
    """Run the operator; returns the exit code."""
    try:
        return run(Access(in_cluster=True), read())
    except ReelmillError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)  # noqa: T201 - logging is not set up yet
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
