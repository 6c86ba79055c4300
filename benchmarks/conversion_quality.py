"""How close `speak --like` comes to a speaker it has heard, and how clear the speech stays.

Speakers of ../shared/data that no network here was trained on (split val). The first half of what each says is the
recording to sound like; the second half, which the conversion never hears, is what the result is compared with:

floor      cosine between the second half and the voice before the conversion (equally loud)
made       and the voice after it
ceiling    and the first half
other      and the voice made for the next speaker: how much of the rise is anybody's recording, and how much this one's
clarity    STOI of the converted speech against the unconverted
pitch      median of the pitch made over the speaker's own

python benchmarks/conversion_quality.py [--data ../shared/data] [--speakers 8] [--language en]
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from lipwright import conversion, features, media, voiceprint
from lipwright.errors import InputError
from lipwright.loudness import loudness
from lipwright.speak import speak
from lipwright.types import Audio

RATE = 16000
MOST = 40.0
WIDTHS = (8, 8, 9, 8, 9, 8)
TEXTS = {
    "en": "The quick brown fox jumps over the lazy dog. She sells sea shells by the shore, and we wait for the weather "
    "to change before we travel home.",
    "fr": "Le petit chat boit du lait dans la cuisine. Nous attendons que le temps change avant de rentrer chez nous, "
    "et les enfants jouent au jardin.",
    "tr": "Küçük kedi mutfakta süt içiyor. Eve dönmeden önce havanın değişmesini bekliyoruz, çocuklar da "
    "bahçede oynuyor.",
}


def speakers(data: Path, most: int) -> dict[str, Audio]:
    """What the speakers of the split val say, those with most of it first."""
    rows = csv.DictReader((data / "manifest.csv").read_text(encoding="utf-8").splitlines())
    files: dict[str, list[tuple[float, Path]]] = defaultdict(list)
    for row in rows:
        if row["split"] == "val":
            files[row["speaker"]].append((float(row["seconds"]), data / row["file"]))
    chosen = sorted(files, key=lambda name: -sum(seconds for seconds, _ in files[name]))[:most]
    return {name: joined([path for _, path in files[name]]) for name in sorted(chosen)}


def joined(paths: list[Path]) -> Audio:
    parts, total = [], 0.0
    for path in paths:
        sound = media.resample(media.open_audio(path), RATE)
        parts.append(sound.samples)
        total += sound.duration
        if total > MOST:
            break
    return Audio(np.concatenate(parts)[: round(MOST * RATE)], RATE)


def levelled(sound: Audio, like: Audio) -> Audio:
    return Audio(sound.samples * np.float32(10 ** ((loudness(like) - loudness(sound)) / 20)), sound.rate)


def pitch(sound: Audio) -> float:
    return float(np.nanmedian(features.pitch(media.resample(sound, RATE))))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--speakers", type=int, default=8)
    parser.add_argument("--language", choices=TEXTS, default="en")
    asked = parser.parse_args()
    known = {}
    for name, sound in speakers(asked.data, asked.speakers).items():
        try:
            whole = voiceprint.spoken(sound)
            half = len(whole.samples) // 2
            heard, kept = Audio(whole.samples[:half], RATE), Audio(whole.samples[half:], RATE)
            known[name] = conversion.listen(heard), kept, heard
        except InputError as problem:
            print(f"{name}: left out: {problem}")
    made = {
        name: speak(TEXTS[asked.language], language=asked.language, like=target)
        for name, (target, _, _) in known.items()
    }
    report(known, made, asked.language)


def report(known: dict, made: dict, language: str) -> None:
    print(f"{'':8}{'s heard':>9}{'floor':>8}{'made':>8}{'ceiling':>9}{'other':>8}{'clarity':>9}{'pitch':>8}")
    rows = []
    for number, (name, (target, kept, heard)) in enumerate(known.items()):
        wanted = voiceprint.embedding(kept)
        variant = target.pitch > 165
        plain = speak(TEXTS[language], language=language, voice="espeak:f2" if variant else "espeak:klatt4")
        other = made[list(known)[(number + 1) % len(known)]]
        alike = [
            voiceprint.similarity(voiceprint.embedding(levelled(sound, heard)), wanted)
            for sound in (plain, made[name], heard, other)
        ]
        clarity = next(m.value for m in made[name].measured if m.name == "clarity")
        row = [heard.duration, *alike, clarity, pitch(made[name]) / pitch(heard)]
        rows.append(row)
        print(
            f"{name:8}{row[0]:9.1f}"
            + "".join(f"{value:{width}.2f}" for value, width in zip(row[1:], WIDTHS, strict=True))
        )
    means = np.mean(rows, 0)
    print(f"{'mean':8}{means[0]:9.1f}" + "".join(f"{v:{w}.2f}" for v, w in zip(means[1:], WIDTHS, strict=True)))


if __name__ == "__main__":
    main()
