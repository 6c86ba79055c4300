"""A training on a Ray cluster, by Ray Train: a process for each device, begun again where a machine is lost.

All machines need the same Python and the same lipwright, and must see the prepared folder and the run's under the same
absolute names.
"""

from __future__ import annotations

import logging
import os
import tempfile
from importlib.util import find_spec
from typing import Any

from lipwright.errors import InputError, LipwrightError, MissingExtraError

FAILURES = 3
"""So many times a training is begun again, from its last checkpoint, after the loss of a machine or process."""


def train(address: str, workers: int, what: str, options: dict[str, Any]) -> dict[str, float]:
    """The training ``what`` of `lipwright.train.train`, on a cluster; its figures.

    Args:
        address: "host:port" or "ray://host:port", "auto" for the cluster this machine is part of, "local" to start one
            here that ends with the training. A cluster this process has joined already is taken.
        workers: processes, one for each device of the recipe.
        what: as there.
        options: its keywords, with ``out``; all but ``progress`` and ``watch``, which cannot travel.

    Raises:
        InputError: there is no such cluster, or what the training itself says.
        MissingExtraError: ray is not installed.
        LipwrightError: the cluster did not finish the training.
    """
    if find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    import ray

    mine = not ray.is_initialized()
    if mine:
        _join(address, workers)
    try:
        return _trained(workers, {"what": what, **options})
    finally:
        if mine:
            ray.shutdown()


def _join(address: str, workers: int) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    own: dict[str, Any] = {"num_cpus": workers + 1, "include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        message = f"there is no Ray cluster at {address}; start one with `ray start --head`"
        raise InputError(f'{message}, or give "local" to start one here') from error


def _trained(workers: int, options: dict[str, Any]) -> dict[str, float]:
    import ray.train
    from ray.train.torch import TorchTrainer

    with tempfile.TemporaryDirectory(prefix="lipwright-ray-") as folder:
        trainer = TorchTrainer(
            _work,
            train_loop_config=options,
            scaling_config=ray.train.ScalingConfig(num_workers=workers, use_gpu="GPU" in ray.cluster_resources()),
            run_config=ray.train.RunConfig(
                storage_path=folder, failure_config=ray.train.FailureConfig(max_failures=FAILURES)
            ),
        )
        try:
            told: dict[str, Any] = trainer.fit().return_value or {}
        except Exception as error:
            raise LipwrightError(f"the Ray cluster did not finish the training: {_last(error)}") from error
    if "refused" in told:
        raise InputError(told["refused"])
    return told


def _work(options: dict[str, Any]) -> dict[str, Any]:
    """One process, as torchrun would have started it, which is what Fabric knows; figures, or why there are none."""
    import ray.train

    from lipwright.train import train as run

    context = ray.train.get_context()
    os.environ |= {"TORCHELASTIC_RUN_ID": "ray", "GROUP_RANK": str(context.get_node_rank())}
    try:
        return dict(run(options.pop("what"), **options))
    except LipwrightError as problem:  # to be told, and not to be tried again
        return {"refused": str(problem)}


def _last(error: Exception) -> str:
    """The last line of an error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
