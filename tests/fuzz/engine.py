"""Run one target under atheris (libFuzzer): `engine.py TARGET [libFuzzer's arguments] [corpus folders]`.

It is a separate program, started by `__main__`, because libFuzzer ends the process that it runs in.
"""

import os
import resource
import sys
import traceback
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.catalogue import TARGETS
from fuzz.limits import ADDRESSES, check_memory, timed
from fuzz.mutate import mutated_json
from fuzz.session import FINDING
from host import peak_memory


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, resource.RLIM_INFINITY))
    with atheris.instrument_imports(include=list(target.covers)):
        run = target.load()
        run(b"")  # imports and compilation on first use must be instrumented, and not attributed to an input

    torch = peak_memory() if target.torch else 0.0

    def one(data: bytes) -> None:
        try:
            with timed():
                run(data)
            check_memory(torch)
        except BaseException:
            print(f"{FINDING}\n{traceback.format_exc()}{FINDING}", file=sys.stderr, flush=True)
            raise RuntimeError("a finding") from None

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        return mutated_json(data, size, seed, atheris.Mutate)

    atheris.Setup(sys.argv, one, **({"custom_mutator": mutate} if target.json else {}))
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ["PYTHONHASHSEED"] = "0"
    main()
