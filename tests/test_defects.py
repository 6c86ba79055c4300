"""Defects found by reading the code of other lip-sync tools, each with the test that it is not here.

Numbered as the project's notes number them: 1 a scorer that ran untrained, 2 Wav2Lip, 3 and 4 MuseTalk, 5 facefusion,
6 LatentSync, 7 Easy-Wav2Lip, 8 and 9 SyncNet's scores and tools, 10 LiveTalking.
"""

from __future__ import annotations

import ast
import re
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

import drawn
import lipwright
from counting import drawn_clip, packets
from lipwright import canvas, cli, faces, features, media, registry, runtime, steady, sync
from lipwright.dubbers import _wav2lip_original as original, wav2lip
from lipwright.errors import WeightsError
from lipwright.experts import lipsight
from lipwright.types import Audio, AudioSpec, Picture
from scenes import apart, film, made, said, spoken, torch

PACKAGE = Path(lipwright.__file__).parent
NTSC = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]


# 1: a scorer must load all its weights, or refuse ------------------------------------------------------


def test_1_an_expert_that_lacks_a_weight_gives_no_score(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    network = onnx.load(registry.path("lipsight_audio"))
    largest = max(network.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    network.graph.initializer.remove(largest)
    onnx.save(network, tmp_path / "audio.onnx")
    with pytest.raises(WeightsError, match="is not a network that can be run"):
        lipsight.Expert((registry.path("lipsight_video"), tmp_path / "audio.onnx"))


def test_1_a_checkpoint_with_names_of_another_network_is_refused_by_name(tmp_path: Path, torch: ModuleType) -> None:
    """One that loads what fits and leaves the rest as it was drawn gives numbers all the same."""
    from lipwright.train import foreign
    from lipwright.train.wav2lip import tiny

    tensors = tiny().state_dict()
    tensors["audio_encoder.attention.weight"] = tensors.pop("audio_encoder.0.conv_block.0.weight")
    torch.save(tensors, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=r"1 missing .*conv_block.*1 that do not belong .*attention"):
        foreign.bring(tmp_path / "net.pth")


def test_1_an_expert_that_was_never_calibrated_shows_no_number() -> None:
    expert = lipsight.Expert((registry.path("lipsight_video"), registry.path("lipsight_audio")))
    with pytest.raises(WeightsError, match="never calibrated, so its numbers mean nothing yet"):
        expert.calibrated()


# 2: Wav2Lip --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(50), NTSC[1]])
def test_2_the_sound_is_heard_where_training_heard_it(fps: Fraction) -> None:
    """Training gave frame f the sound of frame f - 1 at 25 fps; inference gives it that of f, 40 ms late."""
    theirs, ours = features.WAV2LIP_MEL, replace(features.WAV2LIP_MEL, lead=wav2lip.HEARD.lead * float(fps) / 25)
    early = [theirs.first(frame, fps) - ours.first(frame, fps) for frame in range(10, 60)]
    assert np.mean(early) / 80 == pytest.approx(0.040, abs=0.003)
    assert wav2lip.HEARD.lead == -1


def test_2_the_smoothed_box_does_not_run_ahead_of_the_face() -> None:
    boxes = np.arange(40, dtype=np.float32)[:, None] * [3, 0, 3, 0] + [100, 50, 180, 150]
    assert original.averaged(boxes.astype(np.int64))[10, 0] - boxes[10, 0] == 6  # theirs: two frames ahead
    inside = slice(8, 32)
    np.testing.assert_allclose(steady.smooth(boxes.astype(np.float32), 1.5)[inside], boxes[inside], atol=0.01)


def test_2_a_short_video_does_not_jump_where_it_begins_again() -> None:
    assert np.abs(np.diff(canvas.bounce(500, 30))).max() <= 1


@pytest.mark.parametrize("name", ["me.PNG", "me.v2.Jpeg", "me.webp", "me", "me.mp4"])
def test_2_a_still_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    suffix = Path(name).suffix.lower()
    kind = suffix if suffix in {".png", ".jpeg", ".webp"} else ".png"
    path = drawn.still(tmp_path / f"plain{kind}", drawn.face(0.2)).rename(tmp_path / name)
    assert (media.open(path).length, media.probe(path).still) == (1, True)


@pytest.mark.parametrize(("word", "sentence"), [("no", "compat"), ("False", "compat"), ("1", "compat")])
def test_2_a_flag_is_true_or_false_and_no_word_is_true(
    talk: Path, tmp_path: Path, word: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    line = ["dub", talk, talk, "-o", tmp_path / "out.mp4", "--dubber", "wav2lip", "--with", "weights=wav2lip_tiny"]
    assert re.search(f"{sentence}.*is true or false; given", said([*line, "--with", f"compat={word}"], capfd))


def test_2_nothing_is_left_beside_the_output_and_no_shell_reads_its_name(
    tmp_path: Path, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temp").mkdir()
    (tmp_path / "temp" / "result.avi").write_bytes(b"another's")
    name = "a'b\"; touch pwned; $(touch pwned).mp4"
    assert cli.main(["dub", str(talk), str(talk), "-o", name, "--preview", "0.2"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"temp", name}
    assert (tmp_path / "temp" / "result.avi").read_bytes() == b"another's"


def test_2_no_module_starts_a_program_through_a_shell() -> None:
    for file in PACKAGE.rglob("*.py"):
        code = file.read_text(encoding="utf-8")
        assert not re.search(r"shell=True|os\.system|os\.popen|getoutput", code), file


def test_2_the_picture_is_encoded_once_from_what_was_painted(talk: Path, tmp_path: Path) -> None:
    """An intermediate in another codec would cost a second loss; here it is the encoder's own and no more."""
    dubbed = lipwright.dub(media.open(talk), spoken(0.4))
    painted = [picture.astype(float) for picture in dubbed.read()]
    seen: list[str] = []
    written = media.write(dubbed, tmp_path / "out.mp4", quality=4, progress=lambda *_: seen.extend(names(tmp_path)))
    with av.open(str(written)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    loss = np.mean([(a - b) ** 2 for a, b in zip(painted, media.open(written).read(), strict=True)])
    assert 10 * np.log10(255**2 / loss) > 44
    assert not [name for name in seen if Path(name).suffix in {".avi", ".png", ".jpg", ".wav"}]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


def test_2_a_training_that_goes_on_loses_nothing(tmp_path: Path, torch: ModuleType) -> None:
    """Theirs forgets the weight of its sync loss: it begins at nought again."""
    from lipwright.train import engine

    class Task:
        name = "resumed"
        recipe = engine.Recipe(steps=8, every=2, rate=0.01, warmup=1)

        def network(self) -> torch.nn.Module:
            return torch.nn.Linear(3, 1)

        def groups(self, network: torch.nn.Module) -> list[dict[str, object]]:
            return [{"params": list(network.parameters())}]

        def draw(self, random: np.random.Generator) -> torch.Tensor:
            return torch.from_numpy(random.normal(size=(4, 3)).astype(np.float32))

        def losses(self, network: torch.nn.Module, batch: torch.Tensor) -> dict[str, object]:
            return {"loss": network(batch).square().mean()}

        def validate(self, network: torch.nn.Module) -> dict[str, float]:
            return {"score": 0.0}

    class Stopped(Task):
        calls = 0

        def losses(self, network: torch.nn.Module, batch: torch.Tensor) -> dict[str, object]:
            Stopped.calls += 1
            if Stopped.calls > 5:
                raise KeyboardInterrupt
            return super().losses(network, batch)

    whole = engine.fit(Task(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        engine.fit(Stopped(), tmp_path / "cut")
    assert engine.fit(Task(), tmp_path / "cut").curve == whole.curve


# 3, 4: MuseTalk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", NTSC, ids=lambda fps: f"{float(fps):.3f}")
def test_3_a_minute_of_sound_is_a_minute_of_picture(fps: Fraction, tmp_path: Path) -> None:
    """A rate cut to a whole number makes it 57.56, 58.06 and 59.06 s."""
    dubbed = lipwright.dub(film([drawn.face(0.2)] * 2, fps), spoken(60.0))
    assert dubbed.length == round(60 * fps)
    counted = replace(drawn_clip(round(6 * fps), fps=fps), audio=drawn.tone(6.0, 48000))
    again = media.open(media.write(counted, tmp_path / "a.mp4"))
    assert (again.fps, again.length) == (fps, round(6 * fps))
    assert again.audio is not None
    assert abs(float(again.length / again.fps) - again.audio.duration) < 0.05


def test_4_a_face_that_is_missed_moves_no_later_frame() -> None:
    """Each picture carries its number; frames 20 to 39 show no face."""

    def picture(number: int) -> Picture:
        face = drawn.face(float(drawn.loudness(np.array([number / 25]), 2.4)[0]), width=0.3)
        if 20 <= number < 40:
            face[:] = 90
        face[:24] = drawn.numbered(number, (320, 24))
        return face

    clip = made(picture, 60)
    dubbed = lipwright.dub(clip, spoken(2.4))
    assert [drawn.number_of(shown[:24]) for shown in dubbed.read()] == list(range(60))
    track = faces.track(clip)
    assert track.present.tolist() == [not 20 <= number < 40 for number in range(60)]
    shown = list(dubbed.read(44, 56))
    for at in range(44, 56):
        assert not apart(shown[at - 44], picture(at))[:120].any()


# 5: facefusion -----------------------------------------------------------------------------------------


def test_5_after_410_seconds_each_frame_still_hears_its_own_sound() -> None:
    """16-bit indices of columns, 80 a second, end at 409.6 s."""
    spec = AudioSpec("mel", bins=1, steps=16)
    columns = np.arange(80 * 900 + 1, dtype=np.float32)[:, None]
    heard = features.windows(columns, spec, 22500, 25)
    assert heard.shape == (22500, 16, 1)
    for frame in (10_000, 10_240, 10_241, 12_500, 22_000):
        assert heard[frame, :, 0].tolist() == list(range(int(frame * 3.2), int(frame * 3.2) + 16))
    assert canvas.bounce(100_000, 70_000).max() == 69_999


def test_5_the_mel_of_a_moment_does_not_depend_on_the_loudest() -> None:
    quiet = drawn.voice(1.0)
    loud = Audio(np.concatenate([quiet.samples, 0.9 * np.sign(drawn.tone(1.0).samples)]).astype(np.float32), 16000)
    np.testing.assert_allclose(features.mel(loud)[:, :77], features.mel(quiet)[:, :77], atol=1e-4)


# 6: LatentSync -----------------------------------------------------------------------------------------


def test_6_two_at_once_in_one_folder_are_as_two_one_after_the_other(tmp_path: Path, talk: Path) -> None:
    voices = [spoken(2.0).cut(0, 0.6), spoken(2.0).cut(1.0, 1.6)]
    clip = media.open(talk)
    alone = [media.write(lipwright.dub(clip, voice), tmp_path / f"alone{k}.mp4") for k, voice in enumerate(voices)]
    both = [tmp_path / f"both{k}.mp4" for k in range(2)]
    work = [threading.Thread(target=lambda k=k: media.write(lipwright.dub(clip, voices[k]), both[k])) for k in range(2)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(names(tmp_path)) == ["alone0.mp4", "alone1.mp4", "both0.mp4", "both1.mp4"]
    assert [path.read_bytes() for path in both] == [path.read_bytes() for path in alone]


@pytest.mark.parametrize(("codec", "rate", "suffix"), [("aac", 48000, ".m4a"), ("libmp3lame", 44100, ".mp3")])
def test_6_the_sound_is_neither_resampled_nor_mixed_down(
    tmp_path: Path, talk: Path, codec: str, rate: int, suffix: str
) -> None:
    sound = spoken(0.8, rate).samples
    speech = drawn.write_sound(tmp_path / f"a{suffix}", np.stack([sound, sound / 3]), rate, codec)
    out = media.write(lipwright.dub(media.open(talk), media.open_audio(speech)), tmp_path / "out.mp4")
    assert packets(out) == packets(speech)
    heard = media.probe(out).audio
    assert heard is not None and (heard.rate, heard.channels) == (rate, 2)


# 7: Easy-Wav2Lip ---------------------------------------------------------------------------------------


def test_7_another_video_under_the_same_name_has_its_own_faces(tmp_path: Path) -> None:
    middles = []
    for side in (0.35, 0.65):
        drawn.write(tmp_path / "a.mp4", [drawn.face(0.2, width=0.3, centre=(side, 0.5))] * 5)
        box = faces.track(media.open(tmp_path / "a.mp4")).box[0]
        middles.append((box[0] + box[2]) / 2)
    assert middles == pytest.approx([112, 208], abs=8)


def test_7_nothing_that_runs_when_read_is_kept_or_taken() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {name.name for name in node.names} & {"pickle", "dill", "joblib", "marshal", "shelve"}, file
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
                assert (node.arg, node.value.value) not in {("allow_pickle", True), ("weights_only", False)}, file
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert "weights_only" in {word.arg for word in node.keywords}, file


# 8, 9: SyncNet's scores and tools ----------------------------------------------------------------------


def walk(frames: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(frames, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("frames", [8, 20, 200])
def test_8_short_clips_are_judged_by_what_there_is(frames: int) -> None:
    """Sound of zeros at either end is nearer than any other: it draws the offset of a short clip to its side."""
    weak = walk(frames + 3) * 0.3 + walk(frames + 3, 1)
    curve = sync.compare(walk(frames + 3)[3:], weak[:-3])
    known = np.isfinite(curve.distances)
    assert curve.offset == -3 if frames > 8 else known[curve.offset + 15]
    assert known.all() == (frames >= 20)
    for shift in np.flatnonzero(known) - 15:
        pairs = [
            np.linalg.norm(walk(frames + 3)[3 + at] - weak[at - shift])
            for at in range(frames)
            if 0 <= at - shift < frames
        ]
        assert curve.distances[shift + 15] == pytest.approx(np.mean(pairs), rel=1e-4)


def test_8_the_last_window_counts() -> None:
    video = walk(30)
    changed = video.copy()
    changed[-1] = -changed[-1]
    assert sync.compare(changed, video).distance > sync.compare(video, video).distance + 0.01


def test_8_a_moment_one_frame_away_is_no_wrong_answer_in_training(torch: ModuleType) -> None:
    from lipwright.train import losses

    sound = torch.nn.functional.normalize(torch.randn(1, 20, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    cost = [float(losses.contrast(sound.roll(by, dims=1), sound, torch.tensor(10.0))["time"]) for by in (0, 1, 5)]
    assert cost[0] < cost[1] < cost[2] - 0.2


def test_9_a_clip_of_a_second_is_scored_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "has_cuda", lambda: False)
    clip = drawn.talking(25)
    expert = lipsight.Expert()
    assert clip.audio is not None
    video = expert.embed_video(expert.crops(clip, faces.track(clip)))
    curve = sync.compare(video, expert.embed_audio(clip.audio))
    assert len(curve.track) == 25
    assert np.isfinite([curve.distance, curve.contrast]).all()


# 10: LiveTalking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dubber", [{}, {"dubber": "wav2lip", "weights": "wav2lip_tiny"}])
def test_10_nothing_is_drawn_into_the_picture(dubber: dict[str, str]) -> None:
    clip = drawn.talking(20)
    for before, after in zip(clip.read(), lipwright.dub(clip, spoken(0.8), **dubber).read(), strict=True):
        change = apart(before, after)
        change[60:, 60:260] = 0
        assert not change.any()
