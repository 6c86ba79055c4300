"""How quickly `lipwright serve` answers while it works: requests a second for the state of a job.

The floor of the wait is the same server with nothing to do; the limit is what it answers for a file of the page, which
needs no database. The load are drawn faces that are dubbed, as many jobs as there are workers at every moment.

python benchmarks/serve_load.py [--workers 2] [--callers 8] [--seconds 10]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import drawn

TOKEN = "the token of a benchmark"
SERVER = """
import sys
from lipwright.web.server import Studio
from lipwright.web.settings import Settings
settings = Settings(workers=int(sys.argv[2]), rate=1e9, burst=10**9)
studio = Studio(settings, host="127.0.0.1", port=0, folder=sys.argv[1], token=sys.argv[3])
print(studio.url, flush=True)
studio.run()
"""


def asked(url: str, path: str, callers: int, seconds: float) -> tuple[float, np.ndarray]:
    """Requests a second of so many callers, each with a connection that it keeps, and the wait for each in ms."""
    waits: list[float] = []
    end = time.monotonic() + seconds

    def ask() -> None:
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
            while (began := time.monotonic()) < end:
                assert client.get(path).status_code == 200
                waits.append(1000 * (time.monotonic() - began))

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(waits) / seconds, np.array(waits)


def uploaded(client: httpx.Client, path: Path) -> str:
    answer = client.post("/api/v1/uploads", files={"file": (path.name, path.read_bytes())}, timeout=60)
    return answer.json()["id"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        line = [sys.executable, "-c", SERVER, str(folder / "files"), str(options.workers), TOKEN]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
            try:
                measure(server.stdout.readline().strip(), folder, options)
            finally:
                server.terminate()


def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    clip = drawn.talking(75)
    talk = drawn.write(folder / "talk.mp4", clip.read(), audio=clip.audio.samples[None], rate=16000)
    speech = drawn.write_sound(folder / "speech.wav", drawn.voice(120).samples, 16000)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        time.sleep(2)
        inputs = {"video": uploaded(client, talk), "speech": uploaded(client, speech)}
        body = {"verb": "dub", "inputs": inputs, "consent": True}
        first = client.post("/api/v1/jobs", json=body).json()["id"]
        client.post(f"/api/v1/jobs/{first}/cancel")
        told = [("a file of the page, idle", "/page/icon.svg"), ("a job's state, idle", f"/api/v1/jobs/{first}")]
        rows = [(name, *asked(url, path, options.callers, options.seconds)) for name, path in told]
        jobs = [client.post("/api/v1/jobs", json=body).json()["id"] for _ in range(2 * options.workers)]
        time.sleep(4)
        name = f"a job's state, {options.workers} dubs at work"
        rows.append((name, *asked(url, f"/api/v1/jobs/{jobs[0]}", options.callers, options.seconds)))
        states = [client.get(f"/api/v1/jobs/{number}").json()["state"] for number in jobs]
        print(f"{options.callers} callers, {options.seconds:g} s each; at the end the jobs were {', '.join(states)}")
        for name, rate, waits in rows:
            half, most = np.percentile(waits, [50, 99])
            print(f"{name:32} {rate:7.0f} requests/s, wait {half:6.1f} ms (median), {most:6.1f} ms (99 %)")


if __name__ == "__main__":
    main()
