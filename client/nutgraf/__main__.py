"""The command `nutgraf`, and `python -m nutgraf`: the command line, if what it is made of is installed."""

import importlib.util
import sys
from typing import NoReturn

_NEEDS = ("click", "rich")


def main() -> NoReturn:
    """Exits as the command line does; with 1, and a word on what to install, where that cannot run."""
    missing = [name for name in _NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        lacks = " and ".join(missing)
        print(f"nutgraf: error: the command line needs {lacks}: pip install 'nutgraf[cli]'", file=sys.stderr)
        sys.exit(1)
    from nutgraf._cli.main import main as run

    run()


if __name__ == "__main__":
    main()
