"""Every shipped recipe trains: two steps of a tiny network on drawn footage, to weights with a card."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import spoken  # noqa: E402
from lipwright.train import kept, kinds, recipes, train, wav2lip  # noqa: E402
from test_synclips import prepared as faces  # noqa: E402, F401
from test_train import prepared as mouths  # noqa: E402, F401

SHORT = {"size": "tiny", "steps": 2, "clips": 2, "every": 2, "warmup": 1, "accumulate": 1, "threads": 1}
OWN = {
    "expert": {"frames": 24}, "points": {"frames": 24}, "motion": {"frames": 24, "components": 3},
    "synclips": {"alone": 1}, "synclips_transformer": {"alone": 1},
    "syncnet_color": {"judged": 8, "heard": 2}, "stable_syncnet": {"judged": 4, "heard": 1},
    "wav2lip": {"judged": 4}, "wav2lip_gan": {"judged": 4},
}  # fmt: skip
"""What makes each of them short."""
SEES_FACES = {"wav2lip", "wav2lip_gan", "syncnet_color", "stable_syncnet"}


@pytest.fixture(scope="module")
def whole_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spoken.folder(tmp_path_factory.mktemp("spoken"), 3, 1, 40)


@pytest.mark.parametrize("name", recipes.shipped())
def test_every_shipped_recipe_trains(
    name: str,
    mouths: Path,
    faces: Path,
    whole_faces: Path,
    tmp_path: Path,
) -> None:
    network = recipes.read(name)["network"]
    (kind,) = {kind for kind, networks in kinds.KINDS.items() if network in networks}
    how = {**SHORT, **OWN.get(name, {})}
    if name.startswith("wav2lip"):
        kept.save(tmp_path / "expert.pt", {"network": wav2lip.SyncExpert(32).state_dict()})
        how["expert"] = str(tmp_path / "expert.pt")
    data = whole_faces if name in SEES_FACES else faces if kind == "generator" else mouths
    figures = train(kind, recipe=name, data=data, out=tmp_path / "run", **how)
    assert figures
    assert kept.load(tmp_path / "run" / "latest.pt")["step"] == 2
    cards = [yaml.safe_load(card.read_text()) for card in (tmp_path / "run").glob("*.yaml") if card.stem != "recipe"]
    assert cards
    assert all((tmp_path / "run" / card["file"]).stat().st_size == card["size"] for card in cards)
