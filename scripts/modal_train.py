"""Train on a rented GPU at Modal: the same command as at home, on a volume of your own.

    pip install modal && modal setup
    modal volume create lipwright && modal volume put lipwright prepared/ /prepared
    modal run scripts/modal_train.py --gpu A10G --command "expert --data prepared -o runs/expert --precision bf16-mixed"
    modal volume get lipwright /runs/expert runs/

Paths in the command are those of the volume, whose changes Modal keeps while the training runs. A machine that is taken
away, or that reaches its hours, is replaced, and the run goes on from its last checkpoint.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import modal

ROOT = Path(__file__).parent.parent
VOLUME = "/volume"
HOURS = 12

app = modal.App("lipwright-train")
volume = modal.Volume.from_name("lipwright", create_if_missing=True)
image = (
    modal.Image.debian_slim(python_version="3.11")
    .add_local_dir(ROOT, "/lipwright", copy=True, ignore=[".git", ".venv", "**/__pycache__"])
    .run_commands("pip install '/lipwright[train]'")
)


@app.function(
    image=image,
    volumes={VOLUME: volume},
    timeout=HOURS * 3600,
    retries=modal.Retries(max_retries=10, initial_delay=0.0),
)
def train(command: str) -> None:
    """Run ``lipwright train`` with these arguments in the volume; what it wrote is kept however it ends."""
    try:
        subprocess.run(["lipwright", "train", *shlex.split(command)], cwd=VOLUME, check=True)
    finally:
        volume.commit()


@app.local_entrypoint()
def main(command: str, gpu: str = "A10G") -> None:
    """Train there, and wait; Modal shows what is printed."""
    train.with_options(gpu=gpu).remote(command)
