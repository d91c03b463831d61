"""`make demo`: what `reelmill demo` does, on real footage, in the folder demo/."""

from pathlib import Path

from inputs import prepare

from reelmill.cli.commands.getting_started.demo import walk
from reelmill_stages.commands.demo.inputs import move_results_aside

FOLDER = Path("demo")


def main() -> None:
    """Everything, in order."""
    if earlier := move_results_aside(FOLDER):
        print(f"what an earlier demo left is in {earlier} now; delete it when you like")
    prepare(FOLDER)
    print(f"inputs: {FOLDER}/videos, {FOLDER}/captions.csv; one of the videos is cut off in the middle")
    walk(FOLDER)


if __name__ == "__main__":
    main()
