"""The training loop on a line through drawn points: what it keeps, how it goes on, on one device and on two."""

import json
import math
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from lipwright.errors import InputError, WeightsError  # noqa: E402
from lipwright.train import engine, kept, recipes  # noqa: E402
from lipwright.train.ahead import ahead  # noqa: E402
from lipwright.train.plateau import Plateau  # noqa: E402

SLOPE = torch.tensor([[1.0, -2.0, 3.0]])


class Counted:
    """A part that counts its steps, and what its training showed it."""

    def __init__(self):
        self.steps, self.seen = 0, 0.0

    def setup(self, fabric):
        self.device = fabric.device

    def after_step(self, step):
        self.steps += 1
        assert self.steps == step, "a step was forgotten or done twice"
        return {"counted": float(self.steps)}

    def after_validation(self, figures):
        self.seen += figures["score"]

    def state_dict(self):
        return {"steps": self.steps, "seen": self.seen}

    def load_state_dict(self, state):
        self.steps, self.seen = state["steps"], state["seen"]


class Line:
    """Finds a line; with dropout, so that torch's own random numbers count."""

    name = "line"

    def __init__(self, stop=10**9, **how):
        how = {"steps": 12, "every": 4, "rate": 0.05, "warmup": 2, "clips": 6, **how}
        self.recipe, self.stop, self.counted = recipes.build(recipes.Recipe, how, "here"), stop, Counted()

    def network(self):
        return torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(3, 1))

    def groups(self, network):
        return [{"params": list(network.parameters())}]

    def draw(self, random):
        x = torch.from_numpy(random.normal(size=(self.recipe.clips, 3)).astype(np.float32))
        return {"x": x, "y": x @ SLOPE.T}

    def losses(self, network, batch):
        self.stop -= 1
        if self.stop < 0:
            raise KeyboardInterrupt
        loss = (network(batch["x"]) - batch["y"]).square().mean()
        return {"loss": loss, "again": loss.detach()}

    def validate(self, network):
        return {"score": -float((network[1].weight - SLOPE).square().sum())}

    def parts(self):
        return {"counted": self.counted}

    def samples(self, network):
        return {"still": np.zeros((8, 8, 3), np.uint8), "moving": np.zeros((3, 8, 8, 3), np.uint8)}


@pytest.mark.parametrize("stop", [1, 4, 5, 9, 23])
@pytest.mark.parametrize("how", [{}, {"average": 0.0, "accumulate": 2, "ahead": 2, "precision": "bf16-mixed"}])
def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path, stop, how):
    whole_task, rest_task = Line(**how), Line(**how)
    whole = engine.fit(whole_task, tmp_path / "whole")
    with suppress(KeyboardInterrupt):
        engine.fit(Line(stop, **how), tmp_path / "cut")
    rest = engine.fit(rest_task, tmp_path / "cut")
    assert rest.curve == whole.curve
    assert rest.figures == whole.figures
    assert rest_task.counted.state_dict() == whole_task.counted.state_dict()
    for one, other in zip(rest.network.state_dict().values(), whole.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_ctrl_c_keeps_the_steps_since_the_last_validation(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        engine.fit(Line(stop=7), tmp_path)
    assert kept.load(tmp_path / "latest.pt")["step"] == 7


def test_gradients_of_two_batches_make_one_step(tmp_path):
    drawn = []

    class Seen(Line):
        def draw(self, random):
            drawn.append(super().draw(random))
            return drawn[-1]

        def network(self):
            torch.nn.init.zeros_((line := torch.nn.Linear(3, 1)).weight)
            return torch.nn.Sequential(torch.nn.Identity(), line)

    how = {"steps": 1, "accumulate": 2, "average": 0.0, "clip": 0.0, "decay": 0.0, "optimizer": "adam", "ahead": 0}
    once = engine.fit(Seen(**how), tmp_path / "two").network

    class Both(Seen):
        def draw(self, random):
            return {name: torch.cat([one[name] for one in drawn]) for name in drawn[0]}

    both = engine.fit(Both(**{**how, "accumulate": 1}), tmp_path / "one").network
    assert not torch.equal(drawn[0]["x"], drawn[1]["x"])
    torch.testing.assert_close(once[1].weight, both[1].weight)


def test_without_averaging_the_weights_themselves_are_kept(tmp_path):
    engine.fit(Line(average=0.0), tmp_path)
    state = kept.load(tmp_path / "latest.pt")
    assert torch.equal(state["network"]["1.weight"], state["averaged"]["1.weight"])
    engine.fit(Line(average=0.9), tmp_path / "ema")
    state = kept.load(tmp_path / "ema" / "latest.pt")
    assert not torch.equal(state["network"]["1.weight"], state["averaged"]["1.weight"])


def test_checkpoints_are_kept_for_good_where_asked(tmp_path):
    engine.fit(Line(keep=8, every=4), tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["best.pt", "latest.pt", "step-8.pt"]
    assert recipes.load(recipes.Recipe, tmp_path / "recipe.yaml") == Line(keep=8, every=4).recipe


def test_the_log_holds_losses_throughput_pictures_and_clips(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    engine.fit(Line(), tmp_path)
    log = EventAccumulator(str(tmp_path / "scalars"))
    log.Reload()
    assert {"train/loss", "train/counted", "val/score", "speed/clips"} <= set(log.Tags()["scalars"])
    assert [event.step for event in log.Scalars("train/loss")] == list(range(1, 13))
    assert set(log.Tags()["images"]) == {"still", "moving"}
    assert log.Images("moving")[0].encoded_image_string.startswith(b"GIF")


def test_a_watch_sees_each_validation_and_may_end_the_training(tmp_path):
    seen = []

    def watch(step, figures):
        seen.append((step, set(figures)))
        if step == 8:
            raise engine.Stopped

    assert engine.fit(Line(), tmp_path, watch=watch).step == 8
    assert seen == [(4, {"score", "best"}), (8, {"score", "best"})]


def test_a_loss_that_stands_at_chance_is_told_with_what_to_try(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "STANDING", 5)

    class Guessing(Line):
        def __init__(self):
            super().__init__()
            self.chance = {"loss": math.log(2)}

        def losses(self, network, batch):
            return {"loss": super().losses(network, batch)["loss"] * 0 + math.log(2)}

    with pytest.warns(UserWarning, match=r"stood at 0\.693 for 5 steps, where chance is 0\.693.*prepare --check"):
        engine.fit(Guessing(), tmp_path)
    plateau = Plateau({"loss": 1.0}, 3)
    assert not any(plateau.told({"loss": 1.0 - step / 20}, step) for step in range(9))


def test_a_run_of_another_network_is_not_continued(tmp_path):
    engine.fit(Line(), tmp_path)
    with pytest.raises(WeightsError, match="another training"):
        engine.fit(Line(size="full"), tmp_path)


def test_half_precision_without_a_gpu_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="16-mixed needs a GPU"):
        engine.fit(Line(precision="16-mixed"), tmp_path)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_batches_come_in_order_whoever_draws_them(threads):
    assert list(ahead(lambda number: number**2, 3, 20, threads)) == [number**2 for number in range(3, 20)]


def test_an_error_of_a_batch_comes_in_its_place():
    def draw(number):
        if number == 4:
            raise InputError("the fifth is broken")
        return number

    batches, seen = ahead(draw, 0, 9, 2), []
    with pytest.raises(InputError, match="fifth"):
        seen.extend(batches)
    assert seen == [0, 1, 2, 3]


TWO = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_engine import Line
from lipwright.train import engine
task = Line(devices=2, accumulate=2, average=0.0)
done = engine.fit(task, Path(sys.argv[1]))
import os
Path(sys.argv[1], f"rank{os.environ['RANK']}.json").write_text(
    json.dumps([task.counted.state_dict(), done.figures, done.network[1].weight.tolist(), done.curve]))
"""


def test_two_processes_train_one_network_on_batches_of_their_own(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ran = subprocess.run(
        [*launch, str(script), str(tmp_path), str(Path(__file__).parent)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2))
    assert first[:3] == second[:3]
    assert first[3] != second[3], "both drew the same batches"
    assert kept.load(tmp_path / "latest.pt")["step"] == 12


def test_two_trainings_in_one_folder_are_refused_in_a_sentence(tmp_path):
    def again(step, figures):
        with pytest.raises(InputError, match="another training is at work in .*whole; end it, or give another --out"):
            engine.fit(Line(), tmp_path / "whole")
        raise engine.Stopped

    engine.fit(Line(), tmp_path / "whole", watch=again)
    assert engine.fit(Line(), tmp_path / "whole").step > 0
