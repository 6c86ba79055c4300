"""The settings of a training, and how well it validates with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright.errors import InputError
from lipwright.tune import study as studies

if TYPE_CHECKING:
    from optuna import Trial

    from lipwright.types import Progress

HOLD = 0.1
"""Share of the training speakers that say how good a trial is, where the recipe keeps none aside."""


@dataclass
class Trainings:
    """Trainings of a kind on a prepared folder; see `lipwright.tune.verb.Search`."""

    kind: str
    source: str
    data: Path
    offsets: Path | None
    changes: dict[str, Any]
    threads: int | None = None
    settings: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        studies.needs("train", "torch", "lightning")
        from lipwright.train import kinds

        if not (self.data / "manifest.csv").is_file():
            raise InputError(f"{self.data} is not a prepared folder: it has no manifest.csv; make it with prepare")
        _, recipe = kinds.chosen(self.kind, self.source, self.changes)
        self.settings = asdict(recipe)
        if self.settings.get("hold") == 0 and "hold" not in self.changes:
            self.settings["hold"] = HOLD

    def about(self) -> dict[str, Any]:
        """The kind, the data and the recipe."""
        offsets = str(self.offsets.resolve()) if self.offsets else ""
        return {"what": self.kind, "data": str(self.data.resolve()), "offsets": offsets, "recipe": self.settings}

    def ready(self) -> None:
        """Nothing: trials read the data on their own."""

    def build(self, settings: dict[str, Any]) -> object:
        """A recipe with these settings."""
        from lipwright.train import kinds, recipes

        found = kinds.training(self.kind, str(settings.get("network", "")))
        return recipes.build(found.recipe, settings, self.source)

    def score(self, settings: dict[str, Any], trial: Trial, folder: Path, progress: Progress | None) -> float:
        """Train, and give the best validation; ended early where the search says so."""
        import optuna

        from lipwright.train import engine, kinds, recipes

        found = kinds.training(self.kind, str(settings.get("network", "")))
        task = found.task(recipes.build(found.recipe, settings, self.source), self.data, self.offsets)
        pruned = False

        def watch(step: int, figures: dict[str, float]) -> None:
            nonlocal pruned
            trial.report(figures["score"], step)
            pruned = trial.should_prune()
            if pruned:
                raise engine.Stopped

        done = engine.fit(task, folder, threads=self.threads, progress=progress, watch=watch)
        trial.set_user_attr("figures", done.figures)
        trial.set_user_attr("steps", done.step)
        (folder / "latest.pt").unlink(missing_ok=True)  # it has come to its end
        if pruned:
            raise optuna.TrialPruned
        return done.best

    def conclude(self, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
        """The recipe, whole: what `train --recipe` takes."""
        import yaml

        path = folder / "best.yaml"
        lines = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        beside = path.with_suffix(".part")
        beside.write_text(f"# The best of the study beside it; for: lipwright train {self.kind}\n{lines}", "utf-8")
        beside.replace(path)
        return {"file": str(path)}
