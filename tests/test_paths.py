"""paths: the cheapest path, jumps charged."""

from __future__ import annotations

import numpy as np

from lipwright import paths


def brute(cost: np.ndarray, centre: np.ndarray, jump: float, cap: int) -> float:
    """The cost of the best path, by plain dynamic programming over absolute frames."""
    reach = cost.shape[1] // 2
    best = {int(centre[0]) - reach + k: float(cost[0, k]) for k in range(cost.shape[1])}
    for t in range(1, len(cost)):
        after = {}
        for k in range(cost.shape[1]):
            e = int(centre[t]) - reach + k
            step = min(value + jump * min(abs(e - d - 1), abs(e - d + 1), cap) for d, value in best.items())
            after[e] = step + float(cost[t, k])
        best = after
    return min(best.values())


def price(path: np.ndarray, cost: np.ndarray, centre: np.ndarray, jump: float, cap: int) -> float:
    reach = cost.shape[1] // 2
    total = sum(float(cost[t, path[t] - centre[t] + reach]) for t in range(len(path)))
    steps = np.diff(path)
    return total + jump * float(sum(min(abs(s - 1), abs(s + 1), cap) for s in steps))


def test_the_path_is_the_cheapest_there_is() -> None:
    random = np.random.default_rng(3)
    for trial in range(5):
        cost = random.random((12, 15)).astype(np.float32)
        centre = np.arange(12) if trial % 2 else np.abs(5 - np.arange(12))
        path = paths.smooth_path(cost, centre, jump=0.08, cap=4)
        assert price(path, cost, centre, 0.08, 4) - brute(cost, centre, 0.08, 4) < 1e-4


def test_running_along_is_free_and_jumps_are_not() -> None:
    cost = np.full((6, 11), 1.0, np.float32)
    cost[np.arange(6), 5] = 0
    cost[3, 9] = -0.05
    steady = paths.smooth_path(cost, np.arange(6), jump=0.1, cap=10)
    assert steady.tolist() == [0, 1, 2, 3, 4, 5]


def test_frames_that_are_not_there_are_never_shown() -> None:
    cost = np.zeros((4, 5), np.float32)
    cost[:, :2] = np.inf
    centre = np.arange(4)
    assert (paths.smooth_path(cost, centre, jump=0.1, cap=3) >= centre).all()


def test_both_sides_of_a_jump_know_the_other() -> None:
    other = paths.across_jumps(np.array([3, 4, 20, 21, -1, 5]), 30)
    assert other.tolist() == [-1, 19, 5, -1, -1, -1]


def test_only_onward_is_free_where_it_is_said_so_and_jumps_have_their_price_at_each_step() -> None:
    cost = np.ones((8, 7), np.float32)
    falling = np.arange(8)[::-1]
    cost[np.arange(8), np.clip(falling - np.arange(8) + 3, 0, 6)] = 0.9
    there_and_back = paths.smooth_path(cost, np.arange(8), jump=0.2, cap=10)
    assert (np.diff(there_and_back) == -1).any()
    onward = paths.smooth_path(cost, np.arange(8), jump=0.2, cap=10, backward=False)
    assert (np.diff(onward) == 1).all()

    cost = np.ones((8, 7), np.float32)
    cost[:4, 3] = cost[4:, 5] = 0
    dear = np.full(8, 100, np.float32)
    dear[6] = 0.1
    path = paths.smooth_path(cost, np.arange(8), jump=dear, cap=10, backward=False)
    assert (path - np.arange(8)).tolist() == [0, 0, 0, 0, 0, 0, 2, 2]
