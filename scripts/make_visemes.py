"""Teach a small network to hear visemes, on speech that espeak-ng says, and write it into the package with its card.

python scripts/make_visemes.py [STEPS] [UTTERANCES]       # 1500 steps on 1000 utterances

Nothing but synthetic speech is learnt from: sentences of this package's own pages, sample sentences, numbers and
made-up words, in twenty languages, by some thirty speakers of espeak-ng, whose throats are made longer or shorter, in
rooms and noise that are made up, too.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy import signal
from torch import Tensor, nn
from torch.nn import functional

from lipwright import espeak, features, languages, lips, phones, registry
from lipwright.media import resample
from lipwright.train.tracing import write_onnx
from lipwright.types import Audio, Float

ROOT = Path(__file__).parent.parent
SPEAKERS = ("", "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "klatt", "klatt2",
            "klatt3", "klatt4", "Andy", "Annie", "Gene", "Denis", "Alex", "Alicia", "Lee", "Mario", "Michael",
            "belinda", "linda", "steph", "shelby", "Storm", "Jacky", "ed", "edward")  # fmt: skip
SPELT = ("es", "it", "pt", "de", "tr", "fi", "sw", "id", "pl", "nl", "hu", "cs", "sv", "ro", "hr", "en")
"""Languages whose letters say what is spoken, for made-up words."""
CLASSES = len(lips.OCULUS)
WIDE, DILATIONS = 72, (1, 2, 4, 6)
CUT = 200
"""Columns of an utterance that are learnt from at a time: 2 s."""


class Hearing(nn.Module):
    """Normalised log-mel (N, 2·T, 64) at 100 columns a second to logits (N, T, 15) of the Oculus visemes, 50 a second:
    step k at 0.02·k + 0.005 s."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Conv1d(64, WIDE, 5, stride=2, padding=2)
        self.layers = nn.ModuleList(nn.Conv1d(WIDE, WIDE, 5, padding=2 * d, dilation=d) for d in DILATIONS)
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDE) for _ in DILATIONS)
        self.end = nn.Conv1d(WIDE, CLASSES, 1)

    def forward(self, columns: Tensor) -> Tensor:
        x = functional.relu(self.front(columns.transpose(1, 2)))
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = x + functional.relu(norm(layer(functional.dropout(x, 0.1, self.training))))
        return self.end(x).transpose(1, 2)


class Shipped(nn.Module):
    """Probabilities, not logits."""

    def __init__(self, network: Hearing) -> None:
        super().__init__()
        self.network = network

    def forward(self, columns: Tensor) -> Tensor:
        return self.network(columns).softmax(2)


def sentences() -> list[str]:
    """English of this package's own pages."""
    text = " ".join(page.read_text("utf-8") for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
    text = re.sub(r"```.*?```|`[^`]*`|\[|\]\([^)]*\)|[|#*<>_]", " ", text, flags=re.DOTALL)
    found = [re.sub(r"\s+", " ", s).strip() for s in re.split(r"(?<=[.:;!?])\s", text)]
    return [s for s in found if 25 < len(s) < 110]


def made_up(random: np.random.Generator) -> str:
    starts = [*"bdfghklmnprstvwjzmpbfv", "sh", "ch", "pl", "br", "st"]
    words = []
    for _ in range(random.integers(4, 8)):
        parts = [random.choice(starts) + random.choice([*"aeiou"]) + random.choice(["", "", "n", "m", "s", "l", "r"])
                 for _ in range(random.integers(1, 4))]  # fmt: skip
        words.append("".join(parts))
    return " ".join(words)


def text(random: np.random.Generator, english: list[str]) -> tuple[str, str]:
    """What is said, and in which language."""
    kind = random.random()
    if kind < 0.4:
        return str(random.choice(english)), str(random.choice(["en-us", "en-gb", "en-gb-scotland", "en-029"]))
    if kind < 0.7:
        return made_up(random), str(random.choice(SPELT))
    name = str(random.choice(registry.members("languages")))
    language = languages.find(name)
    words = language.sample.split() if " " in language.sample else [language.sample]
    some = list(random.permutation(words))[: int(random.integers(5, 12))]
    numbers = [str(n) for n in random.integers(0, 3000, 3)]
    return " ".join([*some, *numbers]), language.voice


def utterance(random: np.random.Generator, english: list[str]) -> tuple[Float, np.ndarray]:
    """Normalised columns float32 (T, 64) and classes int64 (T,)."""
    said, language = text(random, english)
    spoken = espeak.speak(
        said, language, variant=str(random.choice(SPEAKERS)), pace=int(random.integers(110, 260)),
        pitch=int(random.integers(10, 90)), melody=int(random.integers(20, 80)),
    )  # fmt: skip
    warp = float(random.uniform(0.85, 1.18))
    sound = resample(Audio(spoken.audio.samples, round(espeak.RATE * warp)), features.RATE)
    samples = roomed(sound.samples, random)
    spelling = languages.find(language).spelling
    timeline = phones.respelt(
        tuple(phones.Phone(p.symbol, p.start / warp, p.end / warp) for p in spoken.phones), spelling
    )
    columns = features.log_mel(samples)
    columns = features.normalise(columns, features.level(columns))
    times = (np.arange(len(columns)) + 0.5) / 100
    cues = lips.cues(timeline, len(samples) / features.RATE)
    own = np.searchsorted([cue.start for cue in cues], times, side="right") - 1
    classes = np.array([lips.OCULUS.index(cue.oculus) for cue in cues])
    return columns.astype(np.float32), classes[np.clip(own, 0, len(cues) - 1)]


def roomed(samples: Float, random: np.random.Generator) -> Float:
    """In another room, through another microphone, and in noise."""
    length = int(random.integers(1, 2400))
    echo = random.normal(0, 1, length) * np.exp(-np.arange(length) / (length / 6 + 1)) * random.uniform(0, 0.15)
    echo[0] = 1.0
    samples = np.asarray(signal.fftconvolve(samples, echo)[: len(samples)])
    tilt = signal.firwin2(65, np.linspace(0, 1, 6), 10 ** (random.uniform(-10, 10, 6) / 20))
    samples = np.asarray(signal.fftconvolve(samples, tilt, "same"))
    pink = signal.lfilter([1], [1, -random.uniform(0, 0.95)], random.normal(0, 1, len(samples)))
    power = np.sqrt((samples**2).mean()) * 10 ** (-random.uniform(5, 40) / 20)
    samples = samples + pink * power / (np.sqrt((pink**2).mean()) + 1e-9)
    return np.asarray(samples / max(1e-6, np.abs(samples).max()) * random.uniform(0.05, 0.9), np.float32)


def trained(spoken: list[tuple[Float, np.ndarray]], steps: int, random: np.random.Generator) -> Hearing:
    torch.manual_seed(0)
    network = Hearing()
    counts = np.bincount(np.concatenate([classes for _, classes in spoken]), minlength=CLASSES)
    weight = torch.tensor((counts.mean() / np.maximum(counts, 1)) ** 0.4, dtype=torch.float32)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps)
    long = [(columns, classes) for columns, classes in spoken if len(columns) >= CUT]
    began = time.time()
    for step in range(steps):
        rows = []
        for k in random.integers(0, len(long), 16):
            first = int(random.integers(0, len(long[k][0]) - CUT + 1))
            rows.append((long[k][0][first : first + CUT], long[k][1][first : first + CUT]))
        columns = torch.from_numpy(np.stack([c for c, _ in rows]))
        wanted = torch.from_numpy(np.stack([w[::2] for _, w in rows]))
        columns = columns + 0.1 * torch.randn_like(columns)
        loss = functional.cross_entropy(network(columns).flatten(0, 1), wanted.flatten(), weight, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}, {time.time() - began:.0f} s", flush=True)
    return network.eval()


def right(network: Hearing, spoken: list[tuple[Float, np.ndarray]]) -> float:
    """The share of columns whose viseme is found."""
    with torch.no_grad():
        hits = [(network(torch.from_numpy(c)[None])[0].argmax(1).numpy() == w[::2]).mean() for c, w in spoken]
    return float(np.mean(hits))


def main() -> None:
    steps, count = (int(word) for word in (*sys.argv[1:3], *("1500", "1000")[len(sys.argv) - 1 :]))
    torch.set_num_threads(1)
    random, english = np.random.default_rng(0), sentences()
    spoken = []
    for k in range(count):
        spoken.append(utterance(random, english))
        if k % 400 == 0:
            print(f"{k} of {count} utterances", flush=True)
    held, spoken = spoken[: count // 20], spoken[count // 20 :]
    network = trained(spoken, steps, random)
    hours = sum(len(c) for c, _ in spoken) / 360000
    found = right(network, held)
    print(f"{hours:.1f} hours learnt from; of columns not learnt from {found:.3f} right")
    place = Path(os.environ.get("OUT", registry.WEIGHTS)) / "visemes.onnx"
    sizes = ({1: 2 * torch.export.Dim("steps", min=4, max=1 << 20)},)
    write_onnx(Shipped(network), (torch.randn(1, 300, 64),), place, ["columns"], ["visemes"], sizes)
    card(place, sum(p.numel() for p in network.parameters()), hours, found)


def card(place: Path, values: int, hours: float, found: float) -> None:
    content = place.read_bytes()
    lines = {
        "what": "hears visemes in speech whose text is not known; part of lipwright visemes",
        "file": place.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "licence": "Apache-2.0",
        "architecture": f"{values} values, float32. In: float32 (1, 2·T, 64) normalised log-mel, 100 columns a second. "
        "Out: float32 (1, T, 15) probabilities of the Oculus visemes, 50 a second. Convolutions. Made by: "
        f"python scripts/make_visemes.py {' '.join(sys.argv[1:])}",
        "data": f"Trained on {hours:.1f} hours of speech that espeak-ng says in twenty languages: sentences of this "
        "package's pages, sample sentences, numbers, made-up words; no recording of a person.",
        "quality": f"{found:.2f} of the columns of synthetic speech that was not learnt from; of people see "
        "docs/visemes.md",
    }
    registry.write_card(place.with_suffix(".yaml"), lines)


if __name__ == "__main__":
    main()
