"""Where the fuzzer's engine is: atheris is not in the environment, so that nothing else can import it."""

from pathlib import Path

from tools.package_folder import PackageFolder

ATHERIS = PackageFolder("atheris", Path(__file__).with_name("requirements.lock"))
