"""Size on disk of the core install: a fresh environment, the core only, the biggest packages.

python benchmarks/install_size.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    with tempfile.TemporaryDirectory() as room:
        place = Path(room) / "env"
        venv.create(place, with_pip=True)
        python = place / "bin" / "python"
        bare = size(place)
        command = [str(python), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), str(ROOT)]
        subprocess.run(command, check=True, stderr=sys.stderr)
        packages = next((place / "lib").glob("python*/site-packages"))
        parts = sorted(((size(f), f.name) for f in packages.iterdir() if f.is_dir()), reverse=True)
        torch = [name for _, name in parts if name.startswith(("torch", "nvidia"))]
        print(f"core install: {(size(place) - bare) / 1e6:.0f} MB on disk, torch: {', '.join(torch) or 'none'}")
        for bytes_, name in parts[:10]:
            print(f"  {bytes_ / 1e6:6.0f} MB  {name}")


if __name__ == "__main__":
    main()
