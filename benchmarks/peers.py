"""Which light-curve classifiers of the package index install and import, each in a fresh environment.

    python benchmarks/peers.py                       # all: several GB and half an hour
    python benchmarks/peers.py firstlight astromcad  # some; firstlight is this folder

Prints a row a package: whether pip installs it, how much it adds to the environment, and how long its import
takes with the network blocked (or what it says instead).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Name on the index and version, module to import.
PEERS = {
    "firstlight": (str(ROOT), "firstlight"),
    "supernnova": ("supernnova==3.0.51", "supernnova.validation.validate_onthefly"),
    "astro-parsnip": ("astro-parsnip==1.4.3", "parsnip"),
    "astromcad": ("astromcad==1.2.7", "astromcad"),
    "astrorapid": ("astrorapid==0.2.17", "astrorapid"),
    "superphot-plus": ("superphot-plus==0.1.0", "superphot_plus.model"),
    "ztfparsnip": ("ztfparsnip==0.3.0", "ztfparsnip.train"),
    "fink-science": ("fink-science==7.4.0", "fink_science.cats.processor"),
    "lc-classifier": ("lc-classifier==2.0.3", "lc_classifier"),
    "snmachine": ("snmachine==2.0.0.post3", "snmachine"),
    "superraenn": ("superraenn==1.0.4", "superraenn.classify"),
}
LIMIT_S = 600
# Every way out is closed before the module is imported.
BLOCKED = """
import socket, time
def refuse(*given, **named): raise OSError("the network is blocked")
socket.socket.connect = socket.getaddrinfo = refuse
began = time.perf_counter()
import {module}
print(time.perf_counter() - began)
"""


def main() -> None:
    names = sys.argv[1:] or list(PEERS)
    for name in names:
        if name not in PEERS:
            raise SystemExit(f"unknown package '{name}'; known: {', '.join(PEERS)}")
    print("| package | install | size | import, offline |\n|---|---|---|---|")
    for name in names:
        print("| " + " | ".join(measured(name)) + " |", flush=True)


def measured(name: str) -> list[str]:
    wanted, module = PEERS[name]
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        home = Path(folder)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        before, began = size_of(home), time.perf_counter()
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wanted]
        code, said = outcome(pip)
        if code:
            return [name, f"no: {said}", "", ""]
        seconds = time.perf_counter() - began
        size = (size_of(home) - before) / 1e6
        code, said = outcome([str(python), "-c", BLOCKED.format(module=module)])
        imports = f"no: {said}" if code else f"{float(said):.2g} s"
        return [name, f"yes, {seconds:.0f} s", f"{size:,.0f} MB", imports]


def outcome(command: list[str]) -> tuple[int, str]:
    """Exit code and last line of what a command says."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return 1, f"more than {LIMIT_S} s"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return done.returncode, (lines[-1][:120].replace("|", "/") if lines else "")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    main()
