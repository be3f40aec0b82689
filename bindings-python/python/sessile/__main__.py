"""``python -m sessile keyring PATH`` makes a new keyring file."""

from __future__ import annotations

import argparse
import sys

from . import Keyring, SessileError


def main() -> int:
    """Runs the command; the status of the process."""
    parser = argparse.ArgumentParser(prog="python -m sessile", description="Commands of sessile.")
    commands = parser.add_subparsers(dest="command", required=True)
    keyring = commands.add_parser("keyring", help="makes a new keyring file, readable by its owner only")
    keyring.add_argument("path")
    arguments = parser.parse_args()
    try:
        Keyring.generate(arguments.path)
    except SessileError as error:
        print(f"{error.name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
