"""How many votes a second does a survey's server keep, with 50 raters at once?

python benchmarks/survey_load.py [--raters 50] [--pages 20]

The server runs as `lipwright survey serve` does, in a process of its own; raters are threads with a connection each,
who fetch a page and answer it at once. The limit beside it is the store alone, without pages and HTTP: one thread,
and as many as there are raters. Every answer is on the disk (synchronous=FULL) before it is confirmed; all are
counted after.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import httpx
import numpy as np

from lipwright import media, survey
from lipwright.survey import study as studies
from lipwright.survey.store import Store
from lipwright.types import Audio, Clip


def made(folder: Path, clips: int) -> Path:
    """A study of grey clips with a tone."""
    files = []
    sound = Audio((0.1 * np.sin(np.arange(16000) / 20)).astype(np.float32), 16000)
    for number in range(clips):
        grey = np.full((48, 64, 3), 100 + number, np.uint8)
        clip = Clip(Fraction(25), (64, 48), 25, lambda a, b, g=grey: iter([g] * (b - a)), audio=sound)
        files.append(media.write(clip, folder / f"{number}.mp4"))
    survey.plan(folder / "study", videos=files, ratings=clips, checks=0, watch=False)
    return folder / "study"


def answered(url: str, token: str, pages: int, spent: list[float]) -> int:
    with httpx.Client(base_url=url, timeout=120) as client:
        client.post(f"/r/{token}/start", data={"agree": "yes", "language": "en"})
        for page in range(pages):
            client.get(f"/r/{token}/{page}").raise_for_status()
            began = time.perf_counter()
            done = client.post(f"/r/{token}/{page}", data=dict.fromkeys(studies.RATINGS, "3"))
            spent.append(time.perf_counter() - began)
            assert done.status_code == 303, done.status_code
    return 3 * pages


def stored(store: Store, token: str, pages: int) -> int:
    rater = store.rater(token)
    for page in store.pages(rater)[:pages]:
        store.vote(page, dict.fromkeys(studies.RATINGS, "3"))
    return 3 * pages


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--pages", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = made(Path(place), given.pages)
        command = [sys.executable, "-m", "lipwright", "survey", "serve", str(folder), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        url = next(word for word in server.stdout.readline().split() if word.startswith("http"))
        spent: list[float] = []
        tokens = survey.invite(folder, given.raters)
        began = time.perf_counter()
        with ThreadPoolExecutor(given.raters) as pool:
            sent = sum(pool.map(lambda token: answered(url, token, given.pages, spent), tokens))
        seconds = time.perf_counter() - began
        server.terminate()
        server.wait()
        kept = sqlite3.connect(folder / "study.db").execute("SELECT count(*) FROM vote").fetchone()[0]
        late = np.quantile(spent, [0.5, 0.95]) * 1000
        print(f"served, {given.raters} raters: {sent / seconds:.0f} votes/s, {sent - kept} of {sent} lost; "
              f"a page is kept in {late[0]:.0f} ms (median), {late[1]:.0f} ms (95 %)")  # fmt: skip
        study = studies.read(folder)
        store = Store.open(folder, study)
        for threads in (1, given.raters):
            tokens = store.invite(given.raters)
            for token in tokens:
                store.agree(token, "en", study)
            began = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                sent = sum(pool.map(lambda token: stored(store, token, given.pages), tokens))
            print(f"the store alone, {threads} threads: {sent / (time.perf_counter() - began):.0f} votes/s")
        store.close()


if __name__ == "__main__":
    main()
