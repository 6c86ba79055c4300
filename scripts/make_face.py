"""Make src/lipwright/assets/face.npz, the canonical face, from footage of many people.

    python scripts/make_face.py ../shared/data

Meshes of up to two frames a train speaker are brought together (generalised Procrustes over the stable vertices),
their median is made symmetric and frontal and scaled to a distance of 1 between the outer eye corners. The triangles
are Delaunay's on its front view with the mouth a little open; the moving vertices are those from below the nose down.
No picture is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import Delaunay

from lipwright import faces, media, registry
from lipwright.types import Float

FRAMES = (5, 20)
ROUNDS = 6
MIDLINE = (10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 0, 17, 152)
PAIRS = ((33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (172, 397), (54, 284))
OPEN_BELOW = 0.745
OPEN_BY = 0.04
NOSE, LIFT = 2, 0.02


def meshes(data: Path) -> Float:
    """Meshes (N, 468, 3) px of two frames of one clip of every train speaker."""
    detector = registry.load("detectors", "mediapipe").Detector()
    items = {item.speaker: item for item in registry.load("datasets", "manifest").items(data) if item.split == "train"}
    found = []
    for item in items.values():
        clip = media.open(item.path)
        for frame, picture in enumerate(clip.read(0, min(clip.length, FRAMES[-1] + 1))):
            seen = detector.find(picture) if frame in FRAMES else ()
            if len(seen):
                mesh, _ = detector.mesh(picture, detector.roi_of_face(seen[0]))
                mesh, score = detector.mesh(picture, detector.roi(mesh))
                found += [mesh] if score > 0.9 else []
    return np.stack(found).astype(np.float64)


def brought_onto(mesh: Float, model: Float) -> Float:
    """``mesh`` moved, turned and scaled onto ``model`` by their stable vertices (Umeyama, 1991)."""
    index = list(faces.STABLE)
    a, b = mesh[index] - mesh[index].mean(0), model[index] - model[index].mean(0)
    left, size, right = np.linalg.svd(b.T @ a)
    sign = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    turn = (left * sign) @ right
    scale = (size * sign).sum() / (a**2).sum()
    return np.asarray(scale * (mesh - mesh[index].mean(0)) @ turn.T + model[index].mean(0))


def upright(model: Float) -> Float:
    """``model`` with its eyes level, its midline at x = 0, seen from the front, symmetric, unit eye distance."""
    x = np.mean([model[right] - model[left] for left, right in PAIRS], axis=0)
    x /= np.linalg.norm(x)
    y = model[152] - model[10]
    y -= x * (x @ y)
    y /= np.linalg.norm(y)
    front = model @ np.stack([x, y, np.cross(x, y)], axis=1)
    eyes = (front[33] + front[263]) / 2
    front = front - (front[list(MIDLINE), 0].mean(), eyes[1], eyes[2])
    mirrored = front * (-1, 1, 1)
    gaps = ((front[:, None] - mirrored[None]) ** 2).sum(2)
    front = (front + mirrored[linear_sum_assignment(gaps)[1]]) / 2
    return np.asarray(front / np.linalg.norm(front[33] - front[263]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path(faces.__file__).parents[1] / "assets" / "face.npz")
    options = parser.parse_args()
    seen = meshes(options.data)
    model = seen[0]
    for _ in range(ROUNDS):
        model = np.median([brought_onto(mesh, model) for mesh in seen], axis=0)
        model = (model - (model[33] + model[263]) / 2) / np.linalg.norm(model[33] - model[263])
    model = upright(model)
    open_mouth = model[:, :2].copy()
    lower = (open_mouth[:, 1] > OPEN_BELOW) & (np.abs(open_mouth[:, 0]) < 0.25) & (open_mouth[:, 1] < 0.95)
    lower[list(faces.INNER_LOWER)] = True
    open_mouth[lower, 1] += OPEN_BY
    triangles = Delaunay(open_mouth).simplices.astype(np.int16)
    moving = np.flatnonzero(model[:, 1] > model[NOSE, 1] - LIFT).astype(np.int16)
    np.savez_compressed(options.out, points=model.astype(np.float32), triangles=triangles, moving=moving)
    print(f"{options.out}: {len(seen)} meshes, {len(triangles)} triangles, {len(moving)} moving vertices")


if __name__ == "__main__":
    main()
