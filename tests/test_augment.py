"""What is done to sounds and pictures while training keeps time, range and recordings, and does what it says."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from drawn import face, voice  # noqa: E402
from lipwright import likeness  # noqa: E402
from lipwright.train import augment, compression, occluders  # noqa: E402


def shown(depth: int, batch: int = 3, length: int = 4, size: tuple[int, int] = (48, 64)):
    """Recordings (B, L, C, H, W) that stand still, 0-1: noise, smoothed."""
    noise = np.random.default_rng(7).random((batch, depth, *size)).astype(np.float32)
    smooth = torch.nn.functional.avg_pool2d(torch.from_numpy(noise), 5, 1, 2, count_include_pad=False)
    return smooth.unsqueeze(1).repeat(1, length, 1, 1, 1).contiguous()


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("do", [augment.pictures, augment.placed, augment.lit])
def test_strength_nought_changes_no_picture_and_pictures_stay_pictures(do, depth):
    seen = shown(depth)
    before = seen.clone()
    for seed in range(8):
        assert torch.equal(do(seen, np.random.default_rng(seed), 0.0), seen)
        changed = do(seen, np.random.default_rng(seed))
        assert changed.shape == seen.shape
        assert changed.dtype == torch.float32
        assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
        assert not torch.equal(changed, seen)
        assert torch.equal(changed, do(seen, np.random.default_rng(seed))), "the same draw must do the same"
    assert torch.equal(seen, before), "what was given must stay as it is"


@pytest.mark.parametrize("depth", [1, 3])
def test_a_recording_is_changed_alike_in_all_its_frames_but_for_the_noise(depth):
    seen = shown(depth)
    for seed in range(8):
        random = np.random.default_rng(seed)
        for do in (augment.placed, augment.lit):
            changed = do(seen, random)
            assert torch.allclose(changed, changed[:, :1].expand_as(changed), atol=1e-6)
        apart = augment.pictures(seen, random).diff(dim=1).abs().mean((1, 2, 3, 4))
        assert float(apart.max()) < 0.06, "more than noise sets the frames apart"


def test_frames_keep_their_order():
    """A light that goes on in frame 2 is on in frame 2 afterwards."""
    seen = shown(3) * 0.2
    seen[:, 2] += 0.6
    for seed in range(8):
        bright = augment.pictures(seen, np.random.default_rng(seed)).mean((2, 3, 4))
        assert (bright.argmax(1) == 2).all()


def test_grey_crops_are_changed_as_pictures_are():
    seen = (shown(1) * 255).to(torch.uint8)[:, :, 0].numpy()
    plain = augment.crops(seen, np.random.default_rng(0), 0.0)
    np.testing.assert_allclose(plain.numpy() * 255, seen, atol=1e-4)
    one, other = augment.crops(seen, np.random.default_rng(3)), augment.pictures(
        torch.from_numpy(seen.astype(np.float32) / 255).unsqueeze(2), np.random.default_rng(3)
    )  # fmt: skip
    assert torch.equal(one, other.squeeze(2))


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95])
def test_compression_loses_what_jpeg_loses(quality):
    """Against OpenCV's files of the same quality: the same picture within a grey level or two, and as far from the
    original."""
    picture = face(0.5, (96, 80), width=0.8)
    for grey in (True, False):
        taken = likeness.grey(picture) if grey else picture
        file = cv2.imencode(".jpg", taken[..., ::-1] if not grey else taken, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        wanted = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
        wanted = wanted if grey else wanted[..., ::-1]
        planes = torch.from_numpy(taken[None] if grey else taken.transpose(2, 0, 1).copy()).float() / 255
        found = compression.compressed(planes[None], torch.tensor([float(quality)]))[0].numpy() * 255
        found = found[0] if grey else found.transpose(1, 2, 0)
        apart, lost = np.abs(found - wanted).mean(), np.abs(wanted.astype(float) - taken).mean()
        assert apart < 0.5 + 0.12 * lost, (grey, apart, lost)


def test_compression_of_the_best_quality_loses_nothing_and_of_any_size_keeps_the_size():
    for depth in (1, 3):
        picture = shown(depth, 2, 1, (21, 30))[:, 0]
        kept = compression.compressed(picture, torch.tensor([100.0, 100.0]))
        assert kept.shape == picture.shape
        if depth == 1:
            assert float((kept - picture).abs().max()) < 2 / 255
        coarse = compression.compressed(picture, torch.tensor([5.0, 100.0]))
        assert torch.equal(coarse[1], kept[1]), "each picture has a quality of its own"
        assert float((coarse[0] - picture[0]).abs().mean()) > 3 * float((kept[0] - picture[0]).abs().mean())


def test_something_before_the_mouth_hides_a_part_with_a_soft_edge():
    shares, kinds = [], set()
    for seed in range(60):
        mask, colour = occluders.drawn(np.random.default_rng(seed), (96, 96))
        assert mask.shape == (96, 96)
        assert colour.shape == (3, 96, 96)
        assert 0 <= mask.min() <= mask.max() <= 1
        assert 0 <= colour.min() <= colour.max() <= 1
        shares.append(mask.mean())
        if mask.max() == 1 and mask.min() == 0:
            edge = ((mask > 0.02) & (mask < 0.98)).mean()
            assert 0 < edge < 0.35, "the edge is neither hard nor everywhere"
            kinds.add(round(float(mask.mean()), 2))
    assert 0.03 < np.mean(shares) < 0.4
    assert max(shares) < 0.85
    assert len(kinds) > 10, "they are not all alike"


@pytest.mark.parametrize("depth", [1, 3])
def test_a_thing_before_the_mouth_stays_in_its_place_and_leaves_the_rest_alone(depth):
    seen = shown(depth)[0]
    for seed in range(10):
        mask, _ = occluders.drawn(np.random.default_rng(seed), (48, 64))
        covered = occluders.hidden(seen, np.random.default_rng(seed))
        free = torch.from_numpy(mask == 0)
        assert torch.equal(covered[..., free], seen[..., free])
        assert torch.allclose(covered, covered[:1].expand_as(covered))
        assert float((covered - seen).abs()[..., torch.from_numpy(mask == 1)].sum()) > 0 or mask.max() < 1


def test_sound_keeps_time_and_range_and_is_itself_at_strength_nought():
    samples = np.stack([voice(1.0, seed=seed).samples for seed in range(4)])
    random = np.random.default_rng(0)
    assert augment.sound(samples, random, 0.0) is samples
    for _ in range(4):
        heard = augment.sound(samples, random)
        assert heard.shape == samples.shape
        assert heard.dtype == np.float32
        assert np.isfinite(heard).all()
        rows = [
            np.abs(np.correlate(one, other, "full")).argmax() - 15999 for one, other in zip(heard, samples, strict=True)
        ]
        assert np.abs(rows).max() <= 32, "2 ms"
