"""These tests need environments of several GB, so only `make test-trainers` collects them."""

import os

collect_ignore_glob = [] if os.environ.get("REELMILL_TRAINERS") else ["*"]
