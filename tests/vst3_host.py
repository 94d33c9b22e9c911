#!/usr/bin/env python3
"""vst3_host.py BUNDLE: the built VST3 in a Python host (dawdreamer), driven by parameters alone.

Plays the shipped clip. Prints a line per check, and at the end `N passed, N failed`.
"""
import os
import sys
import tempfile
import time

import dawdreamer
import numpy as np
import soundfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUNDLE = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp()
results = []


def check(name, is_good, detail=""):
    results.append(bool(is_good))
    print("ok    " if is_good else "FAILED", name, detail, flush=True)


def db(x):
    return 20 * np.log10(max(float(np.abs(x).max()), 1e-12))


class Host:
    """One instance in a host of its own, with one block length."""

    def __init__(self, rate, block_len=512, channels=2):
        self.engine = dawdreamer.RenderEngine(rate, block_len)
        self.rate, self.plays = rate, 0
        self.plugin = self.engine.make_plugin_processor("unweave", BUNDLE)
        self.plugin.set_bus(channels, channels)
        described = self.plugin.get_parameters_description()
        self.index = {parameter["name"]: parameter["index"] for parameter in described}

    def set(self, name, value):
        self.plugin.set_parameter(self.index[name], value)

    def play(self, audio):
        self.plays += 1
        source = self.engine.make_playback_processor(f"source{self.plays}", audio)
        self.engine.load_graph([(source, []), (self.plugin, [f"source{self.plays}"])])
        self.engine.render(audio.shape[1] / self.rate)
        return self.engine.get_audio()[:, : audio.shape[1]]

    def save(self):
        path = os.path.join(FOLDER, "state")
        self.plugin.save_state(path)
        with open(path, "rb") as file:
            return file.read()

    def load(self, state):
        path = os.path.join(FOLDER, "state")
        with open(path, "wb") as file:
            file.write(state)
        try:
            self.plugin.load_state(path)
        except RuntimeError as error:
            # dawdreamer restores the state and then looks for an editor to refresh; there is none.
            if "editor" not in str(error):
                raise

    def learn(self, audio):
        before = len(self.save())
        self.set("Capture", 1.0)
        self.play(audio)
        self.set("Capture", 0.0)
        self.play(np.zeros((2, 4096), np.float32))
        started = time.time()
        while time.time() - started < 120:
            if len(self.save()) > before + 1000:
                return time.time() - started
            time.sleep(0.05)
        raise SystemExit("FAILED nothing was learned within two minutes")


def clip():
    """(sample rate, stereo sound to learn from, stereo sound to play)."""
    sound, rate = soundfile.read(os.path.join(ROOT, "assets", "groove", "groove.flac"), dtype="float32")
    half = len(sound) // 2
    cut = lambda part: np.ascontiguousarray(part.T)
    return rate, cut(sound[:half]), cut(sound[half : half + 4 * rate])


def delayed(audio, latency):
    return np.pad(audio, ((0, 0), (latency, 0)))[:, : audio.shape[1]]


def main():
    rate, to_learn, to_play = clip()
    host = Host(rate)
    latency = host.plugin.get_latency_samples()
    check("the latency is reported", latency == 2048, f"{latency} samples")
    impulse = np.zeros((2, 8192), np.float32)
    impulse[:, 7] = 1.0
    output = host.play(impulse)
    check("an impulse arrives at exactly the latency", (output == delayed(impulse, latency)).all())
    mono = Host(rate, channels=1)
    output = mono.play(impulse[:1])
    check("the same in mono", output.shape[0] == 1 and (output == delayed(impulse[:1], latency)).all())
    output = host.play(to_play)
    check("unlearned sound passes to the bit", (output == delayed(to_play, latency)).all())

    host.set("Components", 2 / 15)
    seconds = host.learn(to_learn)
    check("a capture is learned", True, f"in {seconds:.2f} s")
    # The first render after a change fades from the old settings; the second stands.
    output = host.play(to_play)
    error = db(output - delayed(to_play, latency))
    check("all gains at 0 dB is the delayed input", error < -120, f"{error:.1f} dB")
    total = np.zeros_like(to_play, dtype=np.float64)
    for solo in ("Solo 1", "Solo 2", "Solo 3"):
        host.set(solo, 1.0)
        component = host.play(to_play)
        host.set(solo, 0.0)
        check(f"{solo} sounds, and is not all", -40 < db(component) and db(component - output) > -40)
        total += component
    error = db(total - delayed(to_play, latency))
    check("the components add up to the mix", error < -110, f"{error:.1f} dB")

    host.set("Solo 2", 1.0)
    host.set("Gain 2", 0.4)
    expected = host.play(to_play)
    state = host.save()
    check("the state is small", len(state) < 256 * 1024, f"{len(state)} bytes")
    for block_len in (512, 64, 480, 2048):
        reopened = Host(rate, block_len)
        reopened.load(state)
        output = reopened.play(to_play)
        check(f"reopened, in blocks of {block_len}, it sounds the same to the bit", (output == expected).all())
    host.set("Bypass", 1.0)
    output = host.play(to_play)
    check("bypass is the delayed input to the bit", (output[:, 8192:] == delayed(to_play, latency)[:, 8192:]).all())

    host.set("Bypass", 0.0)
    for position, (mode, latency) in enumerate((("Fine", 4096), ("Normal", 2048), ("Tight", 512), ("Live", 128))):
        fresh = Host(rate)
        fresh.set("Mode", position / 3)
        fresh.play(np.zeros((2, 4096), np.float32))
        reported = fresh.plugin.get_latency_samples()
        output = fresh.play(impulse)
        is_exact = reported == latency and (output == delayed(impulse, latency)).all()
        check(f"{mode}: an impulse arrives after exactly {latency} samples", is_exact, f"{reported} reported")

    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    sys.exit(passed < len(results))


main()
