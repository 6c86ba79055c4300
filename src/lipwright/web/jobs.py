"""Uploads and jobs in an SQLite database, and the folders of their files.

A job is ``queued``, then ``running``, then ``done``, ``failed`` or ``cancelled``. Each change is one statement that
says from which state it leads, so that of two who change a job at once one does.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Engine, func, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from lipwright import registry, serving
from lipwright.errors import OutputError
from lipwright.ondisk import content_key

VERSION = 1
"""Raised when the tables are others; a database of another version is refused."""
TRIES = 3
"""How often a job may lose its process, or the server, before it is given up."""
LOST = f"the process that worked on it was lost {TRIES} times; give a smaller or shorter file, or allow more --memory"
ENDED = ("done", "failed", "cancelled")


class Upload(SQLModel, table=True):
    """A file that was taken: ``kind`` video, picture, sound or subtitles; ``about``, what was found in it."""

    id: str = Field(primary_key=True)
    name: str
    kind: str
    bytes: int
    created: float = Field(index=True)
    about: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))


class Job(SQLModel, table=True):
    """Work for one verb. ``inputs``: file by role, in the folder "inputs"; ``names``, how their owner calls them;
    ``types``, how a browser reads them.

    ``lost`` counts the processes lost over it. ``key`` and ``body``: an idempotency key, and a hash of what was asked
    with it. ``hook`` is who is told of the end, ``hook_next`` when to try, None for never (again).
    """

    id: str = Field(primary_key=True)
    verb: str
    state: str = Field(default="queued", index=True)
    created: float = Field(index=True)
    started: float | None = None
    ended: float | None = None
    inputs: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    names: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    types: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON))
    lost: int = 0
    error: str = ""
    key: str | None = Field(default=None, unique=True)
    body: str = ""
    hook: str = ""
    hook_secret: str = ""
    hook_tries: int = 0
    hook_next: float | None = Field(default=None, index=True)
    hook_said: str = ""


class Taken(Exception):  # noqa: N818
    """The idempotency key of a new job is another job's."""


class Jobs:
    """The database and the folders under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("uploads", "jobs"):
            (folder / part).mkdir(exist_ok=True)
        self._engine: Engine = serving.store(folder / "jobs.db")
        self._check_version()
        tables = [SQLModel.metadata.tables[name] for name in ("upload", "job")]
        SQLModel.metadata.create_all(self._engine, tables=tables)

    def _check_version(self) -> None:
        """OutputError for a database that another version of lipwright made."""
        with self._engine.begin() as connection:
            empty = connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one() == 0
            found = connection.execute(text("PRAGMA user_version")).scalar_one()
            if not empty and found != VERSION:
                place = self.folder / "jobs.db"
                raise OutputError(
                    f"{place} was made by another version of lipwright; delete it, or give another --folder"
                )
            connection.execute(text(f"PRAGMA user_version={VERSION}"))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def session(self) -> Session:
        """For one piece of work."""
        return Session(self._engine, expire_on_commit=False)

    # ------------------------------------------------------------------------------------------------- uploads

    def upload_folder(self, number: str) -> Path:
        """Where an upload's file, called "file", lies."""
        return self.folder / "uploads" / number

    def upload(self, number: str) -> Upload | None:
        """One upload."""
        with self.session() as session:
            return session.get(Upload, number)

    def add_upload(self, upload: Upload) -> Upload:
        """Keep what was taken."""
        return self._added(upload)

    def uploads(self, limit: int, offset: int) -> tuple[Sequence[Upload], int]:
        """A page of them, newest first, and their number."""
        with self.session() as session:
            order = select(Upload).order_by(col(Upload.created).desc(), col(Upload.id))
            return session.exec(order.limit(limit).offset(offset)).all(), self._count(session, Upload)

    def remove_upload(self, number: str) -> bool:
        """Forget an upload and delete its files; jobs that use it have links of their own."""
        with self.session() as session:
            found = session.get(Upload, number)
            if found is not None:
                session.delete(found)
                session.commit()
        _forget(self.upload_folder(number))
        return found is not None

    # ---------------------------------------------------------------------------------------------------- jobs

    def job_folder(self, number: str) -> Path:
        """Where a job's inputs, results, answer and log lie."""
        return self.folder / "jobs" / number

    def job(self, number: str) -> Job | None:
        """One job."""
        with self.session() as session:
            return session.get(Job, number)

    def keyed(self, key: str) -> Job | None:
        """The job with an idempotency key."""
        with self.session() as session:
            return session.exec(select(Job).where(Job.key == key)).first()

    def add_job(self, job: Job, files: dict[str, Path]) -> Job:
        """Queue a job with links to its files, by role; Taken where its key is another's."""
        folder = self.job_folder(job.id)
        (folder / "inputs").mkdir(parents=True)
        try:
            for role, file in files.items():
                _link(file, folder / "inputs" / job.inputs[role])
            return self._added(job)
        except IntegrityError as problem:
            shutil.rmtree(folder, ignore_errors=True)
            raise Taken from problem
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def jobs(self, limit: int, offset: int, state: str | None = None) -> tuple[Sequence[Job], int]:
        """A page of them, newest first, and their number."""
        with self.session() as session:
            order = select(Job).order_by(col(Job.created).desc(), col(Job.id))
            if state is not None:
                order = order.where(Job.state == state)
            return session.exec(order.limit(limit).offset(offset)).all(), self._count(session, Job, state)

    def waiting(self) -> int:
        """How many are queued."""
        with self.session() as session:
            return self._count(session, Job, "queued")

    def take(self) -> Job | None:
        """The job that waits longest, now running."""
        with self.session() as session:
            while True:
                order = select(Job).where(Job.state == "queued").order_by(col(Job.created), col(Job.id))
                found = session.exec(order.limit(1)).first()
                if found is None or self.change(found.id, "queued", state="running", started=time.time()):
                    return found
                session.rollback()

    def change(self, number: str, was: str, **new: Any) -> bool:
        """Change a job that is in the state ``was``; False where it is not any more."""
        if new.get("state") in ENDED:
            new |= {"ended": time.time()}
        with self.session() as session:
            job = update(Job).where(col(Job.id) == number, col(Job.state) == was).values(**new)
            if new.get("state") in ENDED:
                told = update(Job).where(col(Job.id) == number, col(Job.hook) != "")
                changed = session.connection().execute(job).rowcount
                if changed:
                    session.connection().execute(told.values(hook_next=time.time()))
            else:
                changed = session.connection().execute(job).rowcount
            session.commit()
            return bool(changed)

    def lost(self, number: str) -> None:
        """A running job has lost its process: it is queued again, or given up."""
        job = self.job(number)
        if job is None:
            return
        count = job.lost + 1
        if count < TRIES:
            self.change(number, "running", state="queued", lost=count)
        else:
            self.change(number, "running", state="failed", lost=count, error=LOST)

    def recover(self) -> int:
        """What ran when the server was killed is queued again; how many jobs wait."""
        with self.session() as session:
            running = session.exec(select(Job.id).where(Job.state == "running")).all()
        for number in running:
            self.lost(number)
        return self.waiting()

    def remove_job(self, number: str) -> bool:
        """Forget a job that has ended and delete its files; False where there is none, or it has not."""
        with self.session() as session:
            found = session.get(Job, number)
            if found is None or found.state not in ENDED:
                return False
            session.delete(found)
            session.commit()
        _forget(self.job_folder(number))
        return True

    def hooks(self, now: float) -> Sequence[Job]:
        """Jobs of whose end somebody is to be told now."""
        with self.session() as session:
            due = select(Job).where(col(Job.hook_next).is_not(None), col(Job.hook_next) <= now)
            return session.exec(due.order_by(col(Job.hook_next)).limit(20)).all()

    def hook_told(self, number: str, tries: int, following: float | None, said: str) -> None:
        """What came of telling it."""
        with self.session() as session:
            row = update(Job).where(col(Job.id) == number)
            session.connection().execute(row.values(hook_tries=tries, hook_next=following, hook_said=said))
            session.commit()

    def old(self, before: float) -> tuple[list[str], list[str]]:
        """Uploads made, and jobs ended, before a time."""
        with self.session() as session:
            uploads = session.exec(select(Upload.id).where(Upload.created < before)).all()
            ended = select(Job.id).where(col(Job.ended).is_not(None), col(Job.ended) < before)
            return list(uploads), list(session.exec(ended).all())

    def known(self) -> set[str]:
        """Every upload and job there is."""
        with self.session() as session:
            return {*session.exec(select(Upload.id)).all(), *session.exec(select(Job.id)).all()}

    def _added(self, row: Any) -> Any:
        with self.session() as session:
            session.add(row)
            session.commit()
            return row

    @staticmethod
    def _count(session: Session, table: Any, state: str | None = None) -> int:
        count = select(func.count()).select_from(table)
        return int(session.exec(count if state is None else count.where(table.state == state)).one())


def new_id() -> str:
    """A name for an upload or a job, 24 hexadecimal digits."""
    return secrets.token_hex(12)


def _link(file: Path, place: Path) -> None:
    """The same file under another name: a copy where the disk knows no links."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def _forget(folder: Path) -> None:
    """Delete a folder, and what the cache keeps of the faces in its files."""
    kept = registry.cache_dir() / "faces"
    for part in (folder, folder / "inputs", folder / "results"):
        for file in part.glob("*") if part.is_dir() and kept.is_dir() else ():
            with suppress(OSError):
                if file.is_file() and (found := list(kept.glob(f"{content_key(file)}-*"))):
                    for each in found:
                        each.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
