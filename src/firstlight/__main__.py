"""``python -m firstlight``: the command line where its script is not on the path."""

from firstlight.cli import main

main()
