"""A body of multipart/form-data streamed to a file, and what that file is.

What a client calls its file is shown to people and never part of a path. What it says of the type is not believed: a
process of its own, with limits, looks at the content (`lipwright.web.worker`).
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
import unicodedata
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import python_multipart as multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from lipwright.errors import InputError, OutputError
from lipwright.web import children
from lipwright.web.jobs import Jobs, Upload, new_id
from lipwright.web.settings import Settings

AT_ONCE = 2
"""Uploads looked at at the same time."""
MOST_FRAMES = 20
"""Pictures of frames kept beside an upload."""
FULL = "the disk of the server is full; delete uploads and jobs that are not needed, or make room"


class TooLarge(InputError):  # noqa: N818
    """A file of more bytes than are taken."""


class Form:
    """The one file of a form, written to ``place`` as it comes; other fields are left out.

    Raises InputError from `feed` and `close` for what is no such form, TooLarge for more than ``most`` bytes.
    """

    def __init__(self, content_type: str, place: Path, most: int) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InputError("send the file as multipart/form-data, in the field file")
        self.name, self.size, self._most = "", 0, most
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value = b"", b""
        self._open, self._found, self._ended = False, False, False
        callbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }
        try:
            self._parser = multipart.MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        except FormParserError as problem:
            raise InputError(f"the boundary of the form cannot be used: {problem}") from problem
        self._file: IO[bytes] = place.open("wb")

    def feed(self, chunk: bytes) -> None:
        """The next piece of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as problem:
            raise InputError(f"the body is no form as it says: {problem}") from problem

    def close(self) -> None:
        """All of the body was fed, or nothing more is wanted."""
        self._file.close()

    def check(self) -> None:
        """InputError unless the whole form was there, with a file that has content."""
        if not self._ended:
            raise InputError("the body ends before the form does; send it again")
        if not self._found:
            raise InputError("the form has no file in a field called file")
        if self.size == 0:
            raise InputError("the file is empty (0 bytes)")

    def _begin(self) -> None:
        self._headers = {}

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._open = options.get(b"name") == b"file" and b"filename" in options
        if self._open and self._found:
            raise InputError("the form has several files; send one at a time")
        if self._open:
            self._found = True
            self.name = shown(options[b"filename"].decode("utf-8", "replace"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._open:
            return
        self.size += end - start
        if self.size > self._most:
            raise TooLarge(f"the file has more than {self._most >> 20} MiB; give a smaller one")
        self._file.write(data[start:end])

    def _end(self) -> None:
        self._open = False

    def _finish(self) -> None:
        self._ended = True


def shown(name: str) -> str:
    """A client's name for a file, fit to be shown: its last part, one line, 100 characters at most."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] not in "CZ" or c == " ")
    return kept.strip(" .")[-100:] or "file"


class Taker:
    """Takes uploads into the folders of ``jobs``, within the limits of ``settings``."""

    def __init__(self, jobs: Jobs, settings: Settings) -> None:
        self._jobs, self._settings = jobs, settings
        self._looking = threading.BoundedSemaphore(AT_ONCE)

    def room(self, wanted: int = 0) -> None:
        """OutputError where the disk has no room for so many bytes."""
        if shutil.disk_usage(self._jobs.folder).free < wanted + self._settings.spare:
            raise OutputError(FULL)

    async def take(self, content_type: str, body: AsyncIterator[bytes], said: int) -> tuple[str, Form]:
        """Stream a body into a new upload's folder; its id, and the form.

        Raises InputError for what is no form with a file, OutputError where the disk is full.
        """
        self.room(said)
        number = new_id()
        folder = self._jobs.upload_folder(number)
        folder.mkdir()
        try:
            form = Form(content_type, folder / "file", self._settings.most_bytes)
            try:
                async for chunk in body:
                    form.feed(chunk)
            finally:
                form.close()
            form.check()
        except OSError as problem:
            shutil.rmtree(folder, ignore_errors=True)
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OutputError(FULL) from problem
            raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return number, form

    def look(self, number: str, form: Form) -> Upload:
        """What a file that was taken is; it is deleted where it is none of what is wanted.

        Raises InputError that says why.
        """
        limits = self._settings
        folder = self._jobs.upload_folder(number)
        try:
            with self._looking:
                about = children.asked(
                    "sniff",
                    path=str(folder / "file"),
                    name=form.name,
                    most_seconds=limits.most_seconds,
                    most_side=limits.most_side,
                    most_pixels=limits.most_pixels,
                    most_rate=limits.most_rate,
                )
            found = Upload(
                id=number, name=form.name, kind=about["kind"], bytes=form.size, created=time.time(), about=about
            )
            return self._jobs.add_upload(found)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def faces(self, upload: Upload, at: float) -> dict[str, object]:
        """The faces on the frame of a video at ``at`` seconds; the frame lies beside the file, as "frame.png".

        Raises InputError for what has no picture.
        """
        folder = self._jobs.upload_folder(upload.id)
        if upload.kind not in ("video", "picture"):
            raise InputError(f"{upload.name} is no video and no picture, so it shows no face")
        picture = folder / f"frame-{round(at * 1000)}.png"
        with self._looking:
            path = str(folder / "file")
            seen = children.asked("faces", path=path, name=upload.name, at=at, picture=str(picture))
        _tidy(picture)
        return seen


def _tidy(newest: Path) -> None:
    """Delete the oldest pictures of frames beside one, where they are many."""
    with suppress(OSError):  # another request does the same, or the upload is deleted
        made = sorted(newest.parent.glob("frame-*.png"), key=lambda file: file.stat().st_mtime)
        for file in made[:-MOST_FRAMES]:
            if file != newest:
                file.unlink(missing_ok=True)
