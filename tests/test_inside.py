"""inside: a mouth that opens wider than its donor keeps its teeth and gets a cavity."""

from __future__ import annotations

import numpy as np

from lipwright import faces, inside

SIDE = 160


def mesh(opening: float) -> np.ndarray:
    """The average face's mesh in pixels, its mouth in the middle and ``opening`` px open."""
    points = (faces.canonical().points[:, :2] - (0, 0.75)) * 120 + SIDE / 2
    points[list(faces.INNER_LOWER)] = points[list(faces.INNER_UPPER)] + (0, opening)
    return points.astype(np.float32)


def test_nothing_is_painted_while_the_donor_has_room() -> None:
    patch = np.full((SIDE, SIDE, 3), 150, np.uint8)
    same = inside.paint_inside(patch, mesh(12), patch, mesh(12), 0.1, 0.1)
    np.testing.assert_array_equal(same, patch)
    small = inside.paint_inside(patch, mesh(2), patch, mesh(0), 0.02, 0.001)
    np.testing.assert_array_equal(small, patch)


def test_a_closed_donor_gets_a_dark_inside_and_keeps_the_rest() -> None:
    patch = np.full((SIDE, SIDE, 3), 150, np.uint8)
    painted = inside.paint_inside(patch, mesh(30), patch, mesh(0), 0.25, 0.004)
    upper = mesh(30)[13]
    assert painted[int(upper[1]) + 17, int(upper[0])].max() < 80
    assert (painted[:40] == patch[:40]).all() and (painted[:, :20] == patch[:, :20]).all()


def test_teeth_hang_from_the_upper_lip_at_their_own_size() -> None:
    donor, source = np.full((SIDE, SIDE, 3), 120, np.uint8), mesh(10)
    top = int(source[13, 1])
    donor[top : top + 7] = 240  # a row of teeth, 7 px high
    wanted = mesh(30)
    stretched = donor.copy()
    stretched[top : top + 21] = 240
    painted = inside.paint_inside(stretched, wanted, donor, source, 0.25, 0.25 / 3)
    column = painted[:, int(wanted[13, 0])].mean(1)
    assert 5 <= (column[top : top + 28] > 180).sum() <= 10
    assert column[top + 16] < 90
