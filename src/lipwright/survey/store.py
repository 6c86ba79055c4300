"""Raters, their pages and their votes: study.db. Nothing in it says who a rater is, where they are, when they came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, UniqueConstraint, func, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Field, Session, SQLModel, col, delete, select

from lipwright import serving
from lipwright.errors import InputError, OutputError
from lipwright.survey.study import DATABASE, Study, Trial


class About(SQLModel, table=True):
    """Which study a database belongs to, and its rules as they were ``fixed`` before the first vote."""

    study: str = Field(primary_key=True)
    fixed: str


class Rater(SQLModel, table=True):
    """Somebody with a link: ``number`` from 0 in the order in which they agreed to take part (None: not yet);
    ``left``: they took their votes back."""

    id: int | None = Field(default=None, primary_key=True)
    token: str = Field(unique=True)
    number: int | None = Field(default=None, unique=True)
    language: str = ""
    left: bool = False


class Page(SQLModel, table=True):
    """A trial of a rater at its ``position`` (from 0); ``shown``, when it was first shown (s since 1970), is forgotten
    once it is answered."""

    __table_args__ = (UniqueConstraint("rater", "position"), UniqueConstraint("rater", "item"))
    id: int | None = Field(default=None, primary_key=True)
    rater: int = Field(foreign_key="rater.id", index=True)
    position: int
    item: str
    kind: str
    role: str
    a: str
    b: str = ""
    expected: str = ""
    shown: float | None = None
    answered: bool = False

    def trial(self) -> Trial:
        """As the study planned it."""
        expected = json.loads(self.expected) if self.expected else None
        return Trial(self.kind, self.role, self.a, self.b, expected)  # type: ignore[arg-type]


class Vote(SQLModel, table=True):
    """The answer to one question of a page; a page has one of each."""

    page: int = Field(foreign_key="page.id", primary_key=True)
    question: str = Field(primary_key=True)
    value: str


class Store:
    """A study's database, for many at once. Every answer is on the disk when a method returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def make(cls, folder: Path, study: Study) -> Self:
        """A new one in a folder, for a study."""
        made = cls(serving.store(folder / DATABASE))
        SQLModel.metadata.create_all(made._engine, tables=[model.__table__ for model in _MODELS])  # type: ignore[attr-defined]
        with made._writing() as session:
            session.add(About(study=study.id, fixed=study.fixed))
        return made

    @classmethod
    def open(cls, folder: Path, study: Study) -> Self:
        """That of a study. Raises InputError where it is missing, damaged or another's."""
        path = folder / DATABASE
        if not path.is_file():
            raise InputError(f"{path} is missing; bring it back, or plan the study anew in another folder")
        remedy = "bring back a copy of it; without one its votes are lost"
        try:
            made = cls(serving.store(path))
            with made._engine.connect() as connection:
                said = connection.execute(text("PRAGMA quick_check")).scalar()
                lacking = {model.__tablename__ for model in _MODELS} - set(inspect(connection).get_table_names())
        except (DatabaseError, OutputError) as error:
            raise InputError(f"{path} is damaged ({getattr(error, 'orig', error)}); {remedy}") from error
        if said != "ok" or lacking:
            raise InputError(f"{path} is damaged ({said if said != 'ok' else 'tables are missing'}); {remedy}")
        with Session(made._engine) as session:
            if session.exec(select(About.study)).all() != [study.id]:
                raise InputError(f"{path} belongs to another study than the {folder / 'study.yaml'} beside it")
        return made

    def changed(self, study: Study) -> bool:
        """Whether the study's rules are others than those that were fixed before the first vote."""
        with Session(self._engine) as session:
            return session.exec(select(About.fixed)).one() != study.fixed

    def close(self) -> None:
        """Give back the file."""
        self._engine.dispose()

    def invite(self, count: int, limit: int | None = None) -> list[str]:
        """Tokens of ``count`` new raters; none where there would be more than ``limit`` in all."""
        made = [Rater(token=serving.token()) for _ in range(count)]
        with self._writing() as session:
            if limit is not None and session.exec(select(func.count()).select_from(Rater)).one() + count > limit:
                return []
            session.add_all(made)
            return [rater.token for rater in made]

    def rater(self, token: str) -> Rater | None:
        """Whose token it is."""
        with Session(self._engine) as session:
            return session.exec(select(Rater).where(Rater.token == token)).first()

    def raters(self) -> list[Rater]:
        """All of them, in the order in which their links were made."""
        with Session(self._engine) as session:
            return list(session.exec(select(Rater).order_by(col(Rater.id))))

    def agree(self, token: str, language: str, study: Study) -> None:
        """They take part, in a language: a number and its pages, at the first time."""
        with self._writing() as session:
            rater = session.exec(select(Rater).where(Rater.token == token)).one()
            rater.language = language
            if rater.number is None and not rater.left:
                last = session.exec(select(func.max(Rater.number))).one()
                rater.number = 0 if last is None else last + 1
                for position, trial in enumerate(study.playlist(rater.number)):
                    session.add(_page(rater, position, trial))
            session.add(rater)

    def leave(self, token: str) -> None:
        """They take their votes back; nothing of them stays but that there was somebody."""
        with self._writing() as session:
            rater = session.exec(select(Rater).where(Rater.token == token)).one()
            own = select(Page.id).where(Page.rater == rater.id)
            session.exec(delete(Vote).where(col(Vote.page).in_(own)))
            session.exec(delete(Page).where(col(Page.rater) == rater.id))
            rater.left = True
            session.add(rater)

    def pages(self, rater: Rater) -> list[Page]:
        """All pages of a rater, in order."""
        with Session(self._engine) as session:
            return list(session.exec(select(Page).where(Page.rater == rater.id).order_by(col(Page.position))))

    def shown(self, page: Page, now: float) -> None:
        """A page was shown; only the first time counts."""
        with self._writing() as session:
            kept = session.get(Page, page.id)
            if kept is not None and kept.shown is None and not kept.answered:
                kept.shown = now
                session.add(kept)

    def answers(self, page: Page) -> dict[str, str]:
        """The answers of a page, by question."""
        with Session(self._engine) as session:
            return {vote.question: vote.value for vote in session.exec(select(Vote).where(Vote.page == page.id))}

    def vote(self, page: Page, answers: Mapping[str, str]) -> None:
        """Keep the answers of a page; those it had are replaced. Nothing where the rater has left meanwhile."""
        with self._writing() as session:
            kept = session.get(Page, page.id)
            if kept is None:
                return
            session.exec(delete(Vote).where(col(Vote.page) == page.id))
            session.add_all(Vote(page=page.id or 0, question=name, value=value) for name, value in answers.items())
            kept.answered, kept.shown = True, None
            session.add(kept)

    def votes(self) -> list[tuple[Rater, Page, Vote]]:
        """Every vote with its page and rater, by rater and position."""
        with Session(self._engine) as session:
            found = select(Rater, Page, Vote).where(Page.rater == Rater.id, Vote.page == Page.id)
            return list(session.exec(found.order_by(col(Rater.number), col(Page.position), col(Vote.question))))

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A transaction that takes its turn before it reads, so that it never finds what it read changed."""
        with Session(self._engine, expire_on_commit=False) as session:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            session.commit()


_MODELS: Sequence[type[SQLModel]] = (About, Rater, Page, Vote)


def _page(rater: Rater, position: int, trial: Trial) -> Page:
    item = f"{trial.role} {trial.kind} " + (f"{position}" if trial.kind == "told" else f"{trial.a} {trial.b}".strip())
    return Page(
        rater=rater.id or 0,
        position=position,
        item=item,
        kind=trial.kind,
        role=trial.role,
        a=trial.a,
        b=trial.b,
        expected=json.dumps(dict(trial.expected)) if trial.expected else "",
    )
