"""What votes say: worked examples of the literature, scipy, and raters whose taste is known."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sqlmodel", reason="the extra web is not installed")

from hypothesis import given, settings, strategies as st
from scipy import stats as reference

import drawn
from asked import TRUTH, films, folder, planned, vote_all  # noqa: F401
from lipwright import cli, survey
from lipwright.errors import InputError
from lipwright.survey import agreement, ballots, intervals, objective, report, strengths, study as studies
from lipwright.survey.results import comparing, rating
from lipwright.survey.store import Store

NO = np.nan

# agreement ---------------------------------------------------------------------------------------------

PUBLISHED = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
    [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
])  # fmt: skip
"""The data of Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), C: four observers, twelve units."""


def test_agreement_is_krippendorffs_own_example() -> None:
    found, inside = agreement.alpha(PUBLISHED, draws=2000)
    assert found == pytest.approx(0.815, abs=0.0005)
    assert inside is not None
    assert inside[0] < found < inside[1]


def test_agreement_is_1_where_all_agree_and_about_0_by_chance() -> None:
    same = np.tile([1.0, 2, 3, 4, 5, 3], (4, 1))
    assert agreement.alpha(same)[0] == 1
    chance = np.random.default_rng(1).integers(1, 6, (20, 200)).astype(float)
    assert agreement.alpha(chance)[0] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("ratings", [np.full((3, 4), NO), np.full((3, 4), 2.0), np.array([[1.0, NO], [NO, 5.0]])])
def test_agreement_of_too_little_is_not_a_number(ratings: np.ndarray) -> None:
    assert np.isnan(agreement.alpha(ratings)[0])


# preference --------------------------------------------------------------------------------------------

LEAGUE = np.array([
    [0, 7, 9, 7, 7, 9, 11],
    [6, 0, 7, 5, 11, 9, 9],
    [4, 6, 0, 7, 7, 8, 12],
    [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12],
    [4, 4, 5, 6, 6, 0, 6],
    [2, 4, 1, 3, 1, 7, 0],
])  # fmt: skip
"""Games of the American League in 1987, row beat column: Agresti, Categorical Data Analysis, on Bradley and Terry."""


def test_strengths_are_agrestis_of_the_league() -> None:
    found = strengths.strengths(LEAGUE, prior=0)
    published = [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0]  # Milwaukee, Detroit, ... against Baltimore
    assert found - found[-1] == pytest.approx(published, abs=0.005)
    assert found.mean() == pytest.approx(0)


def test_two_systems_are_as_strong_as_their_odds() -> None:
    found = strengths.strengths(np.array([[0.0, 30], [10, 0]]), prior=0)
    assert found[0] - found[1] == pytest.approx(np.log(3))


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 5), st.integers(0, 999))
def test_strengths_balance_wins_and_chances(count: int, seed: int) -> None:
    """At the maximum of the likelihood each system has won as often as the model expects."""
    wins = np.random.default_rng(seed).integers(1, 20, (count, count)) * (1.0 - np.eye(count))
    found = strengths.strengths(wins, prior=0)
    chance = 1 / (1 + np.exp(found[None, :] - found[:, None]))
    assert ((wins + wins.T) * chance * (1 - np.eye(count))).sum(1) == pytest.approx(wins.sum(1), rel=1e-5)


def test_a_system_that_always_wins_stays_finite_and_many_are_fitted_at_once() -> None:
    wins = np.array([[0.0, 9], [0, 0]])
    found = strengths.strengths(wins)
    assert np.isfinite(found).all()
    assert found[0] - found[1] == pytest.approx(np.log(9.25 / 0.25))
    many = strengths.strengths(np.stack([wins, wins.T]))
    assert many == pytest.approx(np.stack([found, -found]))
    assert strengths.strengths(np.zeros((3, 3))) == pytest.approx(np.zeros(3))


# intervals ---------------------------------------------------------------------------------------------


def test_the_mean_has_students_interval() -> None:
    values = np.array([3.2, 4.1, 2.9, 3.8, NO, 4.4])
    found, known = intervals.mean(values), values[np.isfinite(values)]
    inside = reference.t.interval(0.95, 4, known.mean(), reference.sem(known))
    assert (found.value, found.low, found.high, found.count) == pytest.approx((known.mean(), *inside, 5))
    assert intervals.mean(np.array([3.0])) == intervals.Estimate(3.0, None, None, 1)
    assert intervals.mean(np.array([NO])).count == 0


def test_p_is_wilcoxons_and_corrected_as_holm_did() -> None:
    apart = np.array([0.4, 0.1, -0.2, 0.9, 0.5, 0.7, 0.3, NO])
    assert intervals.unlike(apart) == pytest.approx(reference.wilcoxon(apart[:-1]).pvalue)
    alike = np.array([0.5, 0.5, -0.5, 1, 1, 2, 0, 0.3 - 0.1 + 0.3])
    assert intervals.unlike(alike) == pytest.approx(reference.wilcoxon(np.round(alike, 9)).pvalue)
    many = np.random.default_rng(1).normal(0.2, 1, 80)
    assert intervals.unlike(many) == reference.wilcoxon(many, method="approx").pvalue
    assert intervals.unlike(many[:50]) == pytest.approx(reference.wilcoxon(many[:50], method="exact").pvalue)
    assert intervals.unlike(np.zeros(5)) == intervals.unlike(np.array([NO])) == 1
    assert intervals.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert intervals.holm([]) == []
    assert intervals.holm([0.6, 0.7]) == [1, 1]


def test_correlations_are_scipys() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=30)
    y = x + random.normal(size=30)
    found, known = intervals.pearson(x, y), reference.pearsonr(x, y)
    inside = known.confidence_interval()
    assert (found.value, found.low, found.high) == pytest.approx((known.statistic, inside.low, inside.high))
    ranked = intervals.spearman(np.append(x, NO), np.append(y, 3))
    assert ranked.value == pytest.approx(reference.spearmanr(x, y).statistic)
    assert ranked.count == 30
    assert np.isnan(intervals.pearson(x[:3], y[:3]).value)
    assert np.isnan(intervals.spearman(x, np.ones(30)).value)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        found = intervals.mean(random.normal(3.5, 0.6, 12))
        hits += found.low is not None and found.high is not None and found.low <= 3.5 <= found.high
    assert 0.92 < hits / 300 < 0.98


# studies -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def voted(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study after 12 raters of known taste, and 3 who answered anything."""

    folder = Path(shutil.copytree(planned, tmp_path_factory.mktemp("voted") / "study"))
    vote_all(folder, 12, unfair=3)
    return folder


def test_the_true_order_is_found(voted: Path) -> None:
    found = survey.stats(voted)
    order = sorted(TRUTH, key=lambda system: -TRUTH[system])
    for each in found.ratings:
        assert [score.system for score in sorted(each.scores, key=lambda score: -score.mean.value)] == order
        for score in each.scores:
            assert score.mean.low is not None
            assert score.mean.high is not None
            assert score.mean.low < TRUTH[score.system] + 0.1
            assert score.mean.high > TRUTH[score.system] - 0.35, "a scale that ends at 5 pulls the best down"
        assert all(d.p < 0.05 for d in each.differences)
        assert each.alpha > 0.5
    for one in found.comparisons:
        assert [each.system for each in sorted(one.strengths, key=lambda each: -each.strength.value)] == order
        assert all(d.p < 0.05 and d.mean.value > 0 for d in one.differences)
        assert one.comparisons == 12 * 6


def test_raters_who_answer_anything_are_left_out(voted: Path) -> None:
    who = survey.stats(voted).raters
    assert who.started == who.finished == 15
    assert who.languages == {"en": len(who.count)}
    assert len(who.count) + len(who.out) == 15
    assert set(range(12)) <= set(who.count)
    assert all("failed" in why for why in who.out.values())


def test_the_rule_is_the_studys(voted: Path, tmp_path: Path) -> None:
    study = studies.read(voted)
    store = Store.open(voted, study)
    strict = ballots.raters(study, store)
    mild = ballots.raters(replace(study, most_failed=2), store)
    assert len(strict.out) > 0
    assert not mild.out
    store.close()


def test_rules_that_were_changed_after_the_plan_are_told(folder: Path) -> None:
    study = vote_all(folder, 2)
    studies.write(replace(study, title="Other words"), folder)
    found = survey.stats(folder)
    assert not found.changed
    assert "changed" not in report.text(found)
    studies.write(replace(study, most_failed=1), folder)
    found = survey.stats(folder)
    assert found.changed
    assert "study.yaml was changed after it was planned" in report.text(found)


def test_who_stops_before_the_first_check_does_not_count(folder: Path) -> None:
    study = vote_all(folder, 2)
    store = Store.open(folder, study)
    token = store.invite(1)[0]
    store.agree(token, "en", study)
    rater = store.rater(token)
    assert rater is not None
    for page in store.pages(rater)[:2]:
        store.vote(page, dict.fromkeys(study.ratings, "5"))
    assert ballots.raters(study, store).out == {2: "left before the first check"}
    store.invite(1)
    store.leave(store.invite(1)[0])
    who = ballots.raters(study, store)
    assert (who.invited, who.started, who.finished, who.left) == (5, 3, 2, 1)
    store.close()


def test_practice_and_checks_are_no_votes(folder: Path) -> None:
    study = vote_all(folder, 3)
    found = survey.stats(folder)
    assert [score.votes for score in found.ratings[0].scores] == [6, 6, 6]
    assert found.comparisons[0].comparisons == 3 * study.per_rater_pairs


def test_one_rater_has_no_interval(folder: Path) -> None:
    vote_all(folder, 1)
    found = survey.stats(folder)
    assert found.ratings[0].scores[0].mean.low is None
    assert np.isnan(found.ratings[0].alpha)
    assert found.comparisons[0].strengths[0].strength.low is None
    json.dumps(found.data(), allow_nan=False)
    assert "cannot be told" in report.text(found)


def test_a_study_without_votes_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no votes that count \(0 raters started\)"):
        survey.stats(folder)


def test_missing_votes_do_not_shift_a_mean() -> None:
    votes = np.array([[[5.0, 1], [5, NO]], [[3, NO], [NO, NO]]])
    found = rating("sync", ("a", "b"), votes)
    assert [score.mean.value for score in found.scores] == [4.0, 1.0]
    assert [score.votes for score in found.scores] == [3, 1]


def test_ties_are_half_a_win_to_each() -> None:
    wins = np.full((4, 2, 2), 0.5) * (1 - np.eye(2))
    found = comparing("sync", ("a", "b"), wins, [])
    assert [each.strength.value for each in found.strengths] == pytest.approx([0, 0])
    assert [each.share for each in found.strengths] == [0.5, 0.5]
    assert found.differences[0].p == 1


# with measured figures ---------------------------------------------------------------------------------


def test_figures_that_go_with_the_votes_are_told(voted: Path, tmp_path: Path) -> None:
    study = studies.read(voted)
    random = np.random.default_rng(0)
    figures = {
        each.name: {"lse_d_valid": 2 - 0.3 * TRUTH[each.system], "other": float(random.normal())}
        for each in study.items.values()
    }
    first = next(iter(figures))
    path = voted / objective.FILE
    path.write_text(json.dumps(figures | {first: "no face is seen"}))
    found = survey.stats(voted)
    told = {(each.question, each.figure): each for each in found.relations}
    assert told["sync", "lse_d_valid"].spearman.value < -0.85
    assert told["sync", "lse_d_valid"].spearman.count == 5
    assert found.unmeasured == {f"{study.by_name[first].clip}, {study.by_name[first].system}": "no face is seen"}
    assert "lse_d_valid" in report.page(found)
    path.write_text("{")
    with pytest.raises(InputError, match=r"objective\.json is damaged"):
        survey.stats(voted)
    path.unlink()


def test_videos_are_measured_once(voted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def measured(video: Path) -> dict[str, float] | str:
        asked.append(video.stem)
        return {"lse_d_valid": float(len(asked))}

    monkeypatch.setattr(objective, "_measured", measured)
    told: list[int] = []
    survey.stats(voted, measure=True, progress=lambda done, total, what: told.append(total))
    assert sorted(asked) == sorted(each.name for each in studies.read(voted).items.values())
    assert told == [6] * 6
    survey.stats(voted, measure=True)
    assert len(asked) == 6
    (voted / objective.FILE).unlink()


def test_figures_that_cannot_be_related_are_told(
    voted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(objective, "_measured", lambda video: "no face is seen")
    assert cli.main(["survey", "stats", str(voted), "--measure", "-q"]) == 0
    said = capsys.readouterr().out
    assert said.count(" was not measured: no face is seen") == 6
    assert "figures and votes cannot be related" in said
    (voted / objective.FILE).unlink()


def test_a_video_is_measured_or_it_is_told_why_not(voted: Path, tmp_path: Path) -> None:
    name = studies.read(voted).stimuli[0].name
    found = objective._measured(voted / "media" / f"{name}.mp4")
    assert isinstance(found, dict)
    assert found["distance_as_played"] >= found["lse_d_valid"], "no offset is better than the best"
    assert {"lse_d_valid", "lse_c_valid", "offset_ms_size", "openness", "distance_as_played"} <= found.keys()
    silent = drawn.write(tmp_path / "silent.mp4", drawn.talking(20, size=(64, 48)).read(), audio=np.zeros((1, 30000)))
    said = objective._measured(silent)
    assert isinstance(said, str)
    assert "silent from end to end" in said


# what is told ------------------------------------------------------------------------------------------


def test_the_page_asks_nothing_of_others_and_escapes_names(voted: Path, tmp_path: Path) -> None:
    found = survey.stats(voted)
    page = report.write(found, tmp_path / "r.html").read_text()
    assert page.count("<svg") == 5
    assert "http" not in page
    assert "<script" not in page
    assert "failed" in page
    assert "<b>" not in report.forest([("<b>", intervals.Estimate(3, 2, 4, 5))], (1, 5), "score")


def test_every_vote_is_a_row(voted: Path, tmp_path: Path) -> None:
    found = survey.stats(voted)
    with ballots.write(found.table, tmp_path / "v.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    study = studies.read(voted)
    expected = 15 * sum(len(study.questions(trial)) for trial in study.playlist(0))
    assert len(rows) == expected
    assert {row["role"] for row in rows} == {"practice", "vote", "check"}
    assert {row["system"] for row in rows if row["role"] == "vote"} == set(TRUTH)
    assert all(row["passed"] == "True" for row in rows if row["role"] == "check" and int(row["rater"]) < 12)
    text = (tmp_path / "v.csv").read_text()
    store = Store.open(voted, study)
    assert not [rater for rater in store.raters() if rater.token in text], "no link stands in the table"
    store.close()
