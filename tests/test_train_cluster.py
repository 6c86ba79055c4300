"""Training on a Ray cluster: one of two processes, started here."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")

from lipwright.errors import InputError, MissingExtraError
from lipwright.train import cluster, kept, train
from test_train import TINY, prepared  # noqa: F401


@pytest.mark.slow
def test_a_cluster_of_two_processes_trains_and_says_what_is_wrong(
    prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    pytest.importorskip("pydantic", reason="the extra ray is not installed")
    paths = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", paths)
    ray.init("local", num_cpus=3, include_dashboard=False, log_to_driver=False)
    try:
        how = {"recipe": "points", "devices": 2, "ray": "auto", **TINY}
        figures = train("expert", data=prepared, out=tmp_path / "run", steps=6, **how)
        assert figures["score"] == kept.load(tmp_path / "run" / "best.pt")["figures"]["score"]
        assert kept.load(tmp_path / "run" / "latest.pt")["step"] == 6
        with pytest.raises(InputError, match=r"manifest\.csv"):
            train("expert", data=tmp_path, out=tmp_path / "none", **how)
    finally:
        ray.shutdown()


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="ray"):
        train("expert", data=tmp_path, out=tmp_path / "run", ray="local")
