"""The folder with atheris, the fuzzing engine, which is not in the environment so that nothing else imports it."""

from pathlib import Path

from tools.package_folder import PackageFolder

ATHERIS = PackageFolder("atheris", Path(__file__).with_name("requirements.lock"))
