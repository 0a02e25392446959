"""``python -m benchmarks``: the tables of this folder's README, one after the other.

Speed needs nothing; accuracy needs the data of the protocols, in the folder that $FIRSTLIGHT_DATA names.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    subprocess.run([sys.executable, str(HERE / "speed.py"), *sys.argv[1:]], check=True)
    if os.environ.get("FIRSTLIGHT_DATA"):
        arms = ["--protocol", "ztf-5", "--arms", "opponent,reference,ztf"]
        subprocess.run([sys.executable, str(HERE / "accuracy.py"), *arms], check=True)
    else:
        print("\nSet FIRSTLIGHT_DATA to the folder of the protocols' data for the accuracy.", file=sys.stderr)


if __name__ == "__main__":
    main()
