#!/usr/bin/env python3
"""Render the Unweave demo groove: three stems and their exact sum.

Needs only Python 3 and the Debian packages fluidsynth, fluid-soundfont-gm
and flac.  The music below is dedicated to the public domain (CC0 1.0).

    python3 make_groove.py [--out DIR] [--soundfont FILE]
"""
import argparse
import array
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

RATE = 44100
TEMPO = 116                       # beats per minute, 4/4
PPQ = 960                         # MIDI ticks per beat
STEP = PPQ // 4                   # one sixteenth
SWING = 0.10                      # off-beat sixteenths are this much late
BARS = 6                          # plus a last chord on the next downbeat
SECONDS = 13.2
PEAK_DB = -2.8                    # peak of the mix
FADE_IN, FADE_OUT = 0.002, 0.70   # seconds

# Each layer is folded to mono and then panned (-1 left, 1 right), so that a
# source has one place in the stereo image.  A stem is the sum of its layers.
# layer: (stem, MIDI channel, program, lateness in ms, gain, pan)
LAYERS = {
    "kit":  ("drums", 9, 0, 0, 1.00, 0.0),
    "toms": ("drums", 9, 0, 0, 0.80, 0.2),
    "bass": ("bass", 0, 33, 5, 0.85, 0.0),
    "keys": ("keys", 1, 4, 3, 0.55, -0.35),
}

# Drums: one row per voice, one string per bar, one character per sixteenth;
# 1 (ghost) to 9 (accent).
DRUM_KEYS = {"kick": 36, "snare": 38, "hat": 42, "open": 46, "crash": 49,
             "tom_hi": 48, "tom_mid": 45, "tom_lo": 41}
DRUMS = {
    "kick":   ["9.6.......8..5..", "9.6.......8..5..", "9.6....5..8..5..",
               "9.6....5..8.....", "9.6....5..8..5..", "9.6....58...5...", "9"],
    "snare":  ["....9..2.2..9..2", "....9..2.2..9.46", "....9..2.2..9..2",
               "....9..2.2..9...", "....9..2.2..9.2.", "....9..2.48.....", ""],
    "hat":    ["8.5.8.5.8.5.8.5.", "8.5.8.5.8.5.8...", "..5.8.5.8.538.5.",
               "8.5.8.5.8.5.8...", "8353835383538353", "83538353........", ""],
    "open":   ["................", "..............6.", "................",
               "..............7.", "................", "................", ""],
    "crash":  ["", "", "6", "", "", "", "8"],
    "tom_hi": ["", "", "", "", "", "...........78...", ""],
    "tom_mid": ["", "", "", "", "", ".............68.", ""],
    "tom_lo": ["", "", "", "", "", "...............8", ""],
}

# Bass: per bar, (sixteenth, length in sixteenths, note, loudness 1..9).
BASS = [
    [],
    [(0, 1.8, "A1", 8), (2, 2.5, "A1", 7), (6, .8, "E2", 6), (7, 1.6, "G2", 7),
     (10, 1.8, "A2", 8), (12, .5, "A1", 3), (13, .9, "G2", 7), (14, .9, "E2", 6),
     (15, .9, "G#1", 6)],
    [(0, 1.8, "A1", 8), (2, 2.5, "A1", 7), (6, .8, "E2", 6), (7, .9, "D#2", 6),
     (8, 1.8, "D2", 8), (10, 1.8, "D2", 7), (13, .8, "A1", 6), (14, .9, "F#1", 6),
     (15, .9, "G#1", 5)],
    [(0, 1.8, "G1", 7), (2, 2.5, "G1", 6), (6, .8, "D2", 6), (7, .9, "B1", 6),
     (8, 1.8, "C2", 7), (10, 2.5, "C2", 6), (14, .9, "E2", 7), (15, .9, "G#1", 6)],
    [(0, 1.8, "A1", 9), (2, .8, "A1", 6), (3, .7, "A2", 7), (5, .4, "A1", 3),
     (6, .9, "G2", 7), (7, .9, "E2", 6), (8, 1.8, "D2", 8), (10, .8, "D2", 7),
     (11, .7, "D3", 7), (13, .9, "C3", 7), (14, .9, "A2", 6), (15, .9, "F#2", 6)],
    [(0, 1.8, "G1", 8), (2, .8, "G1", 5), (3, .7, "G2", 7), (6, .9, "D2", 6),
     (7, .9, "B1", 7), (8, 1.8, "C2", 7), (10, 1.5, "G1", 6), (12, 1.6, "B1", 8),
     (14, .9, "A1", 7), (15, .9, "F#1", 7)],
    [(0, 8, "E1", 9)],
]

# Keys: per bar, (sixteenth, length, notes, loudness).
KEYS = [
    [],
    [],
    [(0, 5.5, "G3 B3 C4 E4", 6),                            # Am9
     (8, 4.5, "F#3 B3 C4 E4", 6), (14, 1.2, "F#3 B3 C4 E4", 5)],   # D13
    [(0, 5.5, "F#3 A3 B3 D4", 6),                           # Gmaj9
     (8, 4.0, "E3 G3 B3 D4", 6), (14, 1.6, "G#3 D4 G4", 7)],       # Cmaj9, E7#9
    [(0, 2.0, "C4 E4 G4 B4", 7), (3, 1.0, "C4 E4 G4 B4", 6),       # Am9
     (7, 3.5, "C4 E4 F#4 B4", 7),                           # D13, early
     (11, .8, "D5", 8), (12, .8, "E5", 9), (13, .9, "D5", 8),
     (14, .9, "B4", 8)],
    [(0, 2.0, "B3 D4 F#4 A4", 7), (3, 1.0, "B3 D4 F#4 A4", 6),     # Gmaj9
     (7, 3.5, "B3 D4 E4 G4", 7),                            # Cmaj9, early
     (12, 3.0, "A3 D#4 G4 D5", 8)],                         # B7#9
    [(0, 8, "G3 B3 D4 F#4 B4", 7)],                         # Em9
]


def pitch(name):
    """MIDI number of a note name; C4 is 60."""
    letters = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    return 12 * (int(name[-1]) + 1) + letters[name[0]] + name.count("#")


def written_notes(layer):
    """Yield (bar, sixteenth, length, MIDI note, loudness, place in chord)."""
    if layer in ("kit", "toms"):
        for voice, bars in DRUMS.items():
            if voice.startswith("tom") != (layer == "toms"):
                continue
            hits = [(bar, i, int(c)) for bar, row in enumerate(bars)
                    for i, c in enumerate(row) if c != "."]
            ends = [16 * bar + i for bar, i, _ in hits[1:]] + [16 * BARS + 10]
            for (bar, i, loud), end in zip(hits, ends):
                length = end - 16 * bar - i - 0.4
                yield bar, i, length, DRUM_KEYS[voice], loud, 0
    else:
        for bar, events in enumerate(BASS if layer == "bass" else KEYS):
            for i, length, notes, loud in events:
                for place, name in enumerate(notes.split()):
                    yield bar, i, length, pitch(name), loud, place


def midi_file(layer):
    """The layer as a format 0 MIDI file, played by a steady but human hand."""
    _, channel, program, late, _, _ = LAYERS[layer]
    rng = random.Random("unweave " + layer)
    ms = PPQ * TEMPO / 60000
    events = [(0, bytes([0xC0 | channel, program]))]
    for bar, i, length, note, loud, place in written_notes(layer):
        start = (16 * bar + i + (SWING if i % 2 else 0)) * STEP
        wobble = max(-8, min(8, rng.gauss(0, 3)))
        on = max(0, round(start + (late + wobble + 4 * place) * ms))
        off = max(on + 1, round(start + length * STEP))
        velocity = max(1, min(127, round(13 * loud + 6 + rng.gauss(0, 3))))
        events.append((on, bytes([0x90 | channel, note, velocity])))
        events.append((off, bytes([0x80 | channel, note, 0])))
    events.sort(key=lambda e: (e[0], e[1][0] & 0xF0 == 0x90))
    last = max(events[-1][0], round(SECONDS * 1000 * ms))
    events.append((last, b"\xff\x2f\x00"))

    track = b"\x00\xff\x51\x03" + struct.pack(">I", 60_000_000 // TEMPO)[1:]
    now = 0
    for tick, message in events:
        delta, now = tick - now, tick
        code = [delta & 0x7F]
        while delta := delta >> 7:
            code.insert(0, 0x80 | delta & 0x7F)
        track += bytes(code) + message
    return (b"MThd" + struct.pack(">IHHH", 6, 0, 1, PPQ)
            + b"MTrk" + struct.pack(">I", len(track)) + track)


def render(layer, soundfont, folder):
    """One layer as mono floats, exactly SECONDS long, with gain and fades."""
    midi, raw = folder / f"{layer}.mid", folder / f"{layer}.raw"
    midi.write_bytes(midi_file(layer))
    subprocess.run(
        ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", str(RATE), "-R", "0",
         "-C", "0", "-T", "raw", "-O", "float", "-E", "little", "-F", str(raw),
         str(soundfont), str(midi)],
        check=True, stdout=subprocess.DEVNULL)
    stereo = array.array("f", raw.read_bytes())
    if sys.byteorder == "big":
        stereo.byteswap()
    frames = round(SECONDS * RATE)
    mono = [(a + b) / 2 for a, b in zip(stereo[0::2], stereo[1::2])][:frames]
    mono += [0.0] * (frames - len(mono))
    gain = LAYERS[layer][4]
    for n in range(frames):
        fade = min(1.0, n / (FADE_IN * RATE), (frames - 1 - n) / (FADE_OUT * RATE))
        mono[n] *= gain * (0.5 - 0.5 * math.cos(math.pi * fade))
    return mono


def panned(mono, pan):
    """Interleaved stereo with equal power at every place; unity at the centre."""
    angle = (pan + 1) * math.pi / 4
    left, right = math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle)
    return [x * side for x in mono for side in (left, right)]


def save_flac(path, samples):
    data = array.array("h", samples)
    if sys.byteorder == "big":
        data.byteswap()
    subprocess.run(
        ["flac", "--best", "-e", "-p", "-s", "-f", "--no-padding",
         "--force-raw-format", "--endian=little", "--sign=signed",
         "--channels=2", "--bps=16", f"--sample-rate={RATE}",
         "-o", str(path), "-"],
        input=data.tobytes(), check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--soundfont",
                        default="/usr/share/sounds/sf2/FluidR3_GM.sf2")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    stems = {}
    with tempfile.TemporaryDirectory() as folder:
        for layer, (stem, *_, pan) in LAYERS.items():
            audio = panned(render(layer, args.soundfont, pathlib.Path(folder)), pan)
            old = stems.get(stem, [0.0] * len(audio))
            stems[stem] = [a + b for a, b in zip(old, audio)]

    # Scale all stems alike, round each to 16 bits, and add the integers.
    peak = max(map(abs, map(sum, zip(*stems.values()))))
    scale = 32767 * 10 ** (PEAK_DB / 20) / peak
    stems = {stem: [round(x * scale) for x in audio]
             for stem, audio in stems.items()}
    mix = [sum(xs) for xs in zip(*stems.values())]
    for name, samples in {**stems, "groove": mix}.items():
        save_flac(args.out / f"{name}.flac", samples)


if __name__ == "__main__":
    main()
