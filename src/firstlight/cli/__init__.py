"""The command line: words, progress and exit codes; no logic of its own."""

from firstlight.cli.app import app, main

__all__ = ["app", "main"]
