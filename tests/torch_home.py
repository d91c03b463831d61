"""The folder with torch for the tests that need it. As a script, it prints the folder, for PYTHONPATH."""

from pathlib import Path

from tools.package_folder import PackageFolder

TORCH = PackageFolder("torch", Path(__file__).parents[1] / "requirements-torch.lock")


def torch_home() -> Path:
    """The folder to put on the module path. Raises Unavailable."""
    return TORCH.find()


if __name__ == "__main__":
    print(torch_home())
