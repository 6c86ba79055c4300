"""The contract of every detector: the drawn face is found, its mesh fits, and no face is no face."""

from __future__ import annotations

import numpy as np
import pytest

import drawn
from lipwright import faces, registry

CENTRE = (0.62, 0.45)


@pytest.fixture(scope="module", params=registry.members("detectors"))
def detector(request: pytest.FixtureRequest) -> faces.Detector:
    found: faces.Detector = registry.load("detectors", request.param).Detector()
    return found


def test_a_face_is_found_where_it_is(detector: faces.Detector) -> None:
    found = detector.find(drawn.face(0.3, centre=CENTRE))
    assert found.shape == (1, 9)
    middle = (found[0, :2] + found[0, 2:4]) / 2
    np.testing.assert_allclose(middle, (0.62 * 320, 0.45 * 240), atol=16)
    assert found[0, 5] < found[0, 7]
    assert 0.4 < found[0, 4] <= 1


@pytest.mark.parametrize("tilt", [-0.5, 0.0, 0.5])
def test_the_mesh_lies_on_the_face_however_it_is_tilted(detector: faces.Detector, tilt: float) -> None:
    picture = drawn.face(0.3, tilt=tilt)
    mesh, score = detector.mesh(picture, detector.roi_of_face(detector.find(picture)[0]))
    mesh, score = detector.mesh(picture, detector.roi(mesh))
    assert mesh.shape == (detector.points, 3) and score > 0.5
    eyes = mesh[263, :2] - mesh[33, :2]
    assert np.arctan2(eyes[1], eyes[0]) == pytest.approx(tilt, abs=0.12)


def test_a_wall_has_no_face(detector: faces.Detector) -> None:
    wall = np.random.default_rng(0).integers(80, 120, (240, 320, 3)).astype(np.uint8)
    assert detector.find(wall).shape == (0, 9)
    _, score = detector.mesh(wall, np.array([160, 120, 100, 0], np.float32))
    assert score < 0.5


def test_pictures_of_any_shape_are_searched(detector: faces.Detector) -> None:
    for size in ((97, 203), (600, 60), (40, 40)):
        assert detector.find(np.zeros((size[1], size[0], 3), np.uint8)).shape[1] == 9
