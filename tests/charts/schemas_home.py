"""Kubernetes' schemas of a dozen versions (70 MB) are not in the environment: a few tests need them."""

from pathlib import Path

from tools.package_folder import PackageFolder

SCHEMAS = PackageFolder("kubernetes-schemas", Path(__file__).with_name("requirements.lock"), "control-plane")
