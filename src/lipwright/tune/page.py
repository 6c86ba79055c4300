"""What came of a search: a table, and a page of plots that asks nothing of any other machine."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipwright.tune.study import PROBLEM, quietly

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

STATES = {"COMPLETE": "done", "PRUNED": "ended early", "FAIL": "failed", "RUNNING": "at work", "WAITING": "to do"}
LEAST = 4
"""Trials that are needed to say what matters."""

STYLE = (
    "body{font:15px system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd}"
)


def rows(study: Study) -> list[dict[str, Any]]:
    """A line of each trial but those that were killed and done again: number, state, score (the best it reached),
    step, settings, whether they are those it all ``start``s with, and why it failed."""
    with quietly():
        trials = study.get_trials(deepcopy=False)
    shown = [trial for trial in trials if trial.state.name != "FAIL" or trial.user_attrs.get(PROBLEM)]
    return [_row(trial) for trial in shown]


def _row(trial: FrozenTrial) -> dict[str, Any]:
    values = list(trial.intermediate_values.values())
    score = trial.value if trial.state.name == "COMPLETE" else max(values, default=None)
    return {
        "trial": trial.number,
        "state": STATES[trial.state.name],
        "score": score,
        "step": max(trial.intermediate_values, default=None),
        "settings": dict(trial.params),
        "start": bool(trial.user_attrs.get("start")),
        "problem": trial.user_attrs.get(PROBLEM, ""),
    }


def table(found: list[dict[str, Any]]) -> str:
    """The trials as lines of text, the best first."""
    lines = [_cells(row) for row in sorted(found, key=lambda row: -_score(row))]
    wide = [max(len(line[k]) for line in lines) for k in range(3)] if lines else []
    return "\n".join("  ".join([*map(str.rjust, line[:3], wide), line[3]]) for line in lines)


def _score(row: dict[str, Any]) -> float:
    return -1e9 if row["score"] is None or row["state"] == "failed" else float(row["score"])


def _cells(row: dict[str, Any]) -> list[str]:
    score = "" if row["score"] is None else f"{row['score']:.4f}"
    said = ", ".join(f"{name} {_short(value)}" for name, value in row["settings"].items())
    mark = " (as it was)" if row["start"] else ""
    why = f": {row['problem']}" if row["problem"] else ""
    return [str(row["trial"]), score, row["state"] + why, said + mark]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def write(study: Study, found: list[dict[str, Any]], path: Path) -> Path:
    """Write the page, whole or not at all."""
    with quietly():
        plots = _plots(study)
    first = True
    parts = []
    for figure in plots:
        config = {"displaylogo": False, "showSendToCloud": False}
        parts.append(figure.to_html(full_html=False, include_plotlyjs=first, config=config))
        first = False
    head = "<tr><th>trial</th><th>score</th><th>state</th><th>settings</th></tr>"
    cells = (_cells(row) for row in sorted(found, key=lambda row: -_score(row)))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in cells)
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Search</title><style>{STYLE}</style></head>'
        f"<body><h1>Search</h1><table>{head}{body}</table>{''.join(parts)}</body></html>"
    )
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return path


def _plots(study: Study) -> list[Any]:
    """How scores came about: over trials, over steps, by setting, and which settings matter."""
    from optuna import visualization as seen
    from optuna.importance import PedAnovaImportanceEvaluator
    from optuna.trial import TrialState

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    plots = [seen.plot_optimization_history(study), seen.plot_intermediate_values(study), seen.plot_slice(study)]
    if len(done[0].params) > 1:
        plots.append(seen.plot_parallel_coordinate(study))
        if len(done) >= LEAST:
            plots.append(seen.plot_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
    return plots
