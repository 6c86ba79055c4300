"""What the OpenAPI description says of the API is true, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode

import drawn
from lipwright.web.settings import Settings
from served import TOKEN, ended, serving, speaking, uploaded

FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class _Token:
    """What shows the token, and is left out where schemathesis asks without."""

    def get(self, case: Any, context: Any) -> str:
        return TOKEN

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = (case.headers or {}) | {"Authorization": f"Bearer {data}"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The description, and a server with an upload and a done job."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder / "files", Settings(workers=2, rate=1e6, burst=10**6, most_jobs=10**6)) as client:
        sound = drawn.write_sound(folder / "a.wav", drawn.voice(0.5).samples, 16000)
        uploaded(client, Path(sound))
        ended(client, speaking(client)["id"])
        schema = schemathesis.openapi.from_asgi("/openapi.json", client.app, headers={"host": "127.0.0.1"})
        schema.auth(_Token)
        yield schema


OPERATIONS = ["POST /session", "GET /about", "POST /uploads", "GET /uploads", "GET /uploads/{number}",
              "DELETE /uploads/{number}", "GET /uploads/{number}/content", "GET /uploads/{number}/faces",
              "GET /uploads/{number}/frame", "POST /jobs", "GET /jobs", "GET /jobs/{number}",
              "POST /jobs/{number}/cancel", "DELETE /jobs/{number}", "GET /jobs/{number}/answer",
              "GET /jobs/{number}/results/{name}", "GET /jobs/{number}/inputs/video"]  # fmt: skip


def test_these_are_all_operations(described: Any) -> None:
    found = {f"{each.ok().method.upper()} {each.ok().path}" for each in described.get_all_operations()}
    assert found == {name.replace(" ", " /api/v1") for name in OPERATIONS}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_described(described: Any, name: str, mode: GenerationMode) -> None:
    method, path = name.split()
    operation = described[f"/api/v1{path}"][method]

    @FEW
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        case.call_and_validate(base_url="http://127.0.0.1")

    check()
