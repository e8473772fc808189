"""A program that promotes a model again and again, killed each time before another write; see `test_registry.py`.

python promotion_kills.py STORE > points.json
"""

import json
import shutil
import sys
from itertools import count
from pathlib import Path

from tasks.outputs import registry
from tasks.outputs.registry import CHAMPION, NamedModel
from tests.resume.kills import forked

OLD, NEW = "20261122T000000-0123abcd", "20261123T000000-0123abcd"


def promote(root: Path) -> None:
    """Make the new run the champion of the name."""
    with registry.held(root):
        model = registry.read(root, "sales") or NamedModel(name="sales", owner="o", table="t")
        registry.write(root, model.with_run(NEW).moved(CHAMPION, NEW, by="test", why="better"))


def champion(root: Path) -> str | None:
    """Return the run of the model in use."""
    model = registry.read(root, "sales")
    return model.champion.run if model and model.champion else None


def main(root: Path) -> None:
    """Kill at every write in turn; print what was killed before, and the champions after that and after a retry."""
    points = []
    for last in count(1):
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        first = NamedModel(name="sales", owner="o", table="t").with_run(OLD)
        registry.write(root, first.moved(CHAMPION, OLD, by="test", why="first"))
        ended, what, _ = forked(root, last, promote)
        if ended == 0:
            break
        found = champion(root)
        again = forked(root, work=promote)[0]
        points.append(
            {"before": what, "ended": ended, "found": found, "again": again, "then": champion(root)}
        )
    json.dump(points, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
