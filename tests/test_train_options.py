"""The command line of train: every setting of a recipe is an option."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")

from lipwright import cli
from lipwright.commands.answering import settings
from lipwright.errors import InputError
from lipwright.train import explained, kinds, recipes

NETWORKS = [(kind, network) for kind, networks in kinds.KINDS.items() for network in networks]


def test_words_become_settings() -> None:
    line = "--rate 1e-3 --size=tiny --most-offset -4 --corrected --no-ema --teacher a=b.pt"
    assert settings(line.split()) == {
        "rate": 1e-3, "size": "tiny", "most_offset": -4, "corrected": True, "ema": False, "teacher": "a=b.pt",
    }  # fmt: skip
    for wrong in ("tiny", "--4 x", "-x 3"):
        with pytest.raises(argparse.ArgumentTypeError, match="neither an option"):
            settings(wrong.split())


@pytest.mark.parametrize(("kind", "network"), NETWORKS)
def test_every_setting_of_every_network_is_explained(kind: str, network: str) -> None:
    training = kinds.training(kind, network)
    assert (training.kind, training.network) == (kind, network)
    assert list(recipes.abouts(training.recipe)) == [field.name for field in fields(training.recipe)]
    assert all(recipes.abouts(training.recipe).values())


@pytest.mark.parametrize("name", recipes.shipped())
def test_every_shipped_recipe_names_a_network_that_can_be_trained(name: str) -> None:
    network = recipes.read(name)["network"]
    (kind,) = {kind for kind, known in NETWORKS if known == network}
    training, recipe = kinds.chosen(kind, name, {})
    assert type(recipe) is training.recipe


def test_the_command_says_what_a_recipe_sets(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "expert", "--recipe", "points", "--settings"]) == 0
    said = capsys.readouterr().out
    assert "sees: points" in said
    assert "What the picture side sees" in said
    assert ("sees", "points", {n: a for n, _, a in explained("expert")}["sees"]) in explained("expert", "points")


def test_what_is_typed_reaches_the_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"train expert --data {tmp_path} --rate 7 --json"
    assert cli.main(line.split()) == 1
    assert "rate must lie between 0 and 1; given 7.0" in json.loads(capsys.readouterr().out)["error"]
    assert cli.main(f"train expert --data {tmp_path} --colour red".split()) == 1
    assert "there is no setting colour" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(f"train expert {tmp_path}".split())
    assert "neither an option nor an option's value" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["models", "--colour", "red"])


def test_a_network_nobody_has_is_a_sentence() -> None:
    with pytest.raises(InputError, match="expert trains no network called 'oracle'; it trains: ours"):
        kinds.chosen("expert", "expert", {"network": "oracle"})


def test_runs_are_named_by_what_differs() -> None:
    assert recipes.named("mine/expert.yaml", {"size": "tiny", "rate": 0.001}) == "expert-rate=0.001-size=tiny"
    assert "/" not in recipes.named("expert", {"teacher": "../a/b.pt"})
