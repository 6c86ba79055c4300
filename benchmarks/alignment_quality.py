"""How far phones are from where they are heard: against espeak-ng's own events, and against pocketsphinx.

python benchmarks/alignment_quality.py                          # twelve languages, five other voices each
python benchmarks/alignment_quality.py ../shared/data 20        # and 20 English recordings: pip install pocketsphinx

Other voices: other speakers of espeak-ng, 120 to 230 words a minute, other pitches, white noise down to 10 dB, pauses
of 0.4 s put between words. On recordings nobody knows the text: pocketsphinx recognises it, right or wrong, and both
lay that text on the sound. Its columns begin 12.8 ms before the middle of what they hear, which is added. Phones are
compared by viseme, where the two dictionaries agree on at least two in a row.
"""

from __future__ import annotations

import csv
import difflib
import re
import sys
import time
from pathlib import Path

import numpy as np

from lipwright import aligning, espeak, languages, lips, media, phones, registry
from lipwright.media import resample
from lipwright.types import Audio, Phone

VOICES = (("f3", 140, 70, None), ("m7", 230, 30, 20), ("f5", 175, 60, 10), ("klatt2", 200, 50, 20), ("m3", 120, 40, 20))
ARPA = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɚ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t",
    "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


def perturbed(text: str, voice: str, case: tuple, random: np.random.Generator) -> tuple[Audio, list[float]]:
    """The text by another voice, with noise and pauses, and when its phones begin."""
    variant, pace, pitch, snr = case
    spoken = espeak.speak(text, voice, variant=variant, pace=pace, pitch=pitch)
    sound = resample(spoken.audio, 16000).samples
    starts = [phone.start for phone in spoken.phones]
    for _, word in sorted(spoken.words, key=lambda w: -w[1])[::3]:
        at = round(word * 16000)
        sound = np.concatenate([sound[:at], np.zeros(6400, np.float32), sound[at:]])
        starts = [start + 0.4 * (start >= word - 1e-6) for start in starts]
    power = np.sqrt((sound**2).mean()) * 10 ** (-(40 if snr is None else snr) / 20)
    return Audio((sound + random.normal(0, power, len(sound))).astype(np.float32), 16000), starts


def synthetic() -> None:
    random = np.random.default_rng(0)
    every, spent, seconds = [], 0.0, 0.0
    print(f"{'language':10} median ms   90 % ms, by voice: {', '.join(case[0] for case in VOICES)}")
    for name in registry.members("languages"):
        language = languages.find(name)
        shown = []
        for case in VOICES:
            sound, starts = perturbed(language.sample, language.voice, case, random)
            began = time.process_time()
            found = aligning.align(sound, language.sample, language.voice)
            spent, seconds = spent + time.process_time() - began, seconds + sound.duration
            if len(found) == len(starts):
                every.append(1000 * np.abs([phone.start for phone in found] - np.array(starts)))
                shown.append(f"{np.median(every[-1]):3.0f} {np.percentile(every[-1], 90):3.0f}")
            else:
                shown.append("other phones")
        print(f"{name:10} {' | '.join(shown)}")
    errors = np.concatenate(every)
    print(
        f"all: {len(errors)} phones, median {np.median(errors):.1f} ms, 90 % within {np.percentile(errors, 90):.1f} ms"
    )
    print(f"time: {spent / seconds:.3f} of the sound's, one thread")


def recognised(samples: np.ndarray, free: object, forced: object) -> tuple[str, list[tuple[str, float]]]:
    """What pocketsphinx hears, and when each of its phones begins."""
    data = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
    free.start_utt()
    free.process_raw(data, full_utt=True)
    free.end_utt()
    text = re.sub(r"\(\d\)|<[^>]*>|\[[^\]]*\]", "", free.hyp().hypstr if free.hyp() else "").strip()
    if len(text.split()) < 3:
        return "", []
    forced.set_align_text(text)
    for turn in range(2):
        if turn:
            forced.set_alignment()
        forced.start_utt()
        forced.process_raw(data, full_utt=True)
        forced.end_utt()
    found = [(p.name, p.start / 100 + 0.0128) for word in forced.get_alignment() for p in word]
    return text, [(ARPA[name], start) for name, start in found if name in ARPA]


def seen(symbol: str) -> str:
    return lips.oculus(phones.split((Phone(symbol, 0, 1),))[0][1])


def compared(theirs: list[tuple[str, float]], ours: tuple[Phone, ...]) -> list[float]:
    pairs = difflib.SequenceMatcher(None, [seen(s) for s, _ in theirs], [seen(p.symbol) for p in ours], autojunk=False)
    return [
        1000 * (ours[match.b + k].start - theirs[match.a + k][1])
        for match in pairs.get_matching_blocks()
        for k in range(match.size)
        if match.size >= 2
    ]


def recorded(data: Path, count: int) -> None:
    from pocketsphinx import Decoder

    free, forced = Decoder(loglevel="FATAL"), Decoder(loglevel="FATAL", lm=None)
    with (data / "manifest.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["language"] == "en"]
    longest = {row["speaker"]: row["file"] for row in sorted(rows, key=lambda row: float(row["seconds"]))}
    errors: list[float] = []
    used = 0
    for file in sorted(longest.values())[:count]:
        sound = resample(media.open_audio(data / file), 16000).cut(0, 20)
        try:
            text, theirs = recognised(sound.samples, free, forced)
        except RuntimeError:  # pocketsphinx cannot lay its own text on the sound
            continue
        if text:
            errors += compared(theirs, aligning.align(sound, text, "en"))
            used += 1
    off = np.abs(errors)
    print(f"English, {used} speakers, {len(off)} phones: median {np.median(off):.1f} ms from pocketsphinx, "
          f"90 % within {np.percentile(off, 90):.0f} ms, on the whole {np.median(errors):+.1f} ms later")  # fmt: skip


if __name__ == "__main__":
    synthetic()
    if len(sys.argv) > 1:
        recorded(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20)
