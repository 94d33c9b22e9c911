#!/usr/bin/env python3
"""standalone_walk.py PROGRAM FOLDER: operates the built standalone program as a user would, on a screen of its own.

Plays the shipped clip on the dummy back end, captures, learns, mixes, types, loops, exports, imports, zooms, and closes the window.
Leaves a picture of each step, `FOLDER/NN-name.png`. Prints a line per check, and at the end `N passed, N failed`.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from layout import COMPONENTS, Layout
from screen import ROOT, Screen, colors, share, theme

PROGRAM, FOLDER = (os.path.abspath(argument) for argument in sys.argv[1:3])
SONG = os.path.join(ROOT, "assets", "groove", "groove.flac")
# The editor's colours, by their names in src/editor/theme.rs.
BACKGROUND, PANEL, RAISED, SUNKEN, TEXT, RECORD, GOOD, NOTE = (
    theme(name) for name in "BACKGROUND PANEL RAISED SUNKEN TEXT RECORD GOOD NOTE".split()
)
[LOOP] = colors("src/editor/song_bar.rs", r"const LOOP: Color32 = Color32::from_rgb\(")
HANDLE = (0xE2, 0xE7, 0xF0)
results = []


def check(name, is_good, detail=""):
    results.append(bool(is_good))
    print("ok    " if is_good else "FAILED", name, detail, flush=True)


def middle(rect):
    left, top, right, bottom = rect
    return round((left + right) / 2), round((top + bottom) / 2)


def faint(color, strength):
    """A colour blended over the panel."""
    return tuple(round(strength * part + (1 - strength) * ground) for part, ground in zip(color, PANEL))


def dimmed(color):
    """The colour of an inaudible component on a strip."""
    return faint(color, 0.45)


class Ended(Exception):
    """The program ended during a step."""


class Walk:
    """The running program, and the steps through it."""

    def __init__(self, screen, arguments=()):
        self.screen, self.layout, self.scale = screen, Layout(), 1.0
        self.errors = tempfile.TemporaryFile("w+")
        command = [PROGRAM, "--backend", "dummy", SONG, *arguments]
        self.program = subprocess.Popen(command, stderr=self.errors)
        self.window = None
        end = time.monotonic() + 20
        while self.window is None and time.monotonic() < end and self.program.poll() is None:
            self.window = next(iter(screen.windows("Unweave")), None)
            time.sleep(0.05)

    def told(self):
        self.errors.seek(0)
        return self.errors.read()

    def at(self, place):
        """Points to pixels, of a place or a rectangle."""
        return tuple(round(edge * self.scale) for edge in place)

    def share(self, picture, rect, color, near=12):
        return share(picture, self.at(rect), color, near)

    def press(self, place, button=1):
        self.screen.press(self.at(place), button)

    def step(self, picture_name, claim, condition, within_s=10.0):
        """One check: waits for a condition, and saves the picture."""
        picture, is_there = self.screen.wait(condition, within_s)
        self.screen.keep(picture_name, picture)
        check(claim, is_there)
        if self.program.poll() is not None:
            raise Ended(f"exit code {self.program.returncode}: {self.told()}")
        return picture

    def cut(self, picture, rect):
        left, top, right, bottom = self.at(rect)
        return picture[top:bottom, left:right].copy()

    def shows_bars(self, picture, colors_of):
        """Whether the strips' bars have these colours; `None` is an empty place."""
        bars = [self.layout.bar(component) for component in range(len(colors_of))]
        return all(
            self.share(picture, bar, color) > 0.8 if color else self.share(picture, bar, COMPONENTS[i]) == 0
            for i, (bar, color) in enumerate(zip(bars, colors_of))
        )

    def is_review(self, picture):
        return self.share(picture, self.layout.keep, faint(GOOD, 0.16)) > 0.5

    def name_of_first(self, picture):
        return self.cut(picture, self.layout.name(0))

    def hear(self):
        layout = self.layout
        is_ground = lambda picture: self.share(picture, (2, 2, 18, 18), BACKGROUND, near=2) == 1
        self.step("opened", "the editor is on the screen", is_ground)
        size = self.screen.size(self.window)
        check("it has its normal size", size == layout.size, f"{size}")
        left, top, right, bottom = layout.spectrogram
        newest = (right - 120, top + 20, right - 50, bottom - 20)
        loud = lambda picture: (self.cut(picture, newest).max(axis=2) > 60).mean() > 0.2
        picture = self.step("hears-the-song", "the spectrogram shows the song", loud)
        before = self.cut(picture, layout.wave)
        moved = lambda picture: (self.cut(picture, layout.wave) != before).any()
        self.step("plays", "the song plays", moved)

    def learn(self):
        layout = self.layout
        button = (layout.capture, 21, layout.capture + 118, 55)
        # The stage's dot and words have the stage's colour.
        stage = lambda color: lambda picture: self.share(picture, layout.stage, color) > 0.003
        self.press(middle(button))
        self.step("captures", "pressing Capture records", stage(RECORD))
        time.sleep(4)
        self.press(middle(button))
        learns = lambda picture: self.share(picture, layout.losses, NOTE) > 0 and self.share(picture, layout.losses, TEXT) > 0
        self.step("learns", "a second press learns, and shows the loss", learns)
        colors_of = COMPONENTS[:4] + [None] * 4
        self.step("learned", "four coloured strips, and four empty ones", lambda picture: self.shows_bars(picture, colors_of), 60)
        check("Keep is highlighted", self.is_review(self.screen.look()))
        time.sleep(2)
        tinted = lambda picture: np.ptp(self.cut(picture, layout.spectrogram).astype(int), axis=2).max() > 80
        self.step("plays-apart", "the spectrogram has the colours of the components", tinted)
        traced = lambda picture: all(self.share(picture, layout.traces, color, near=24) > 0.0005 for color in COMPONENTS[:4])
        self.step("traces", "each component has its trace", traced)
        self.press(middle(layout.keep))
        self.step("kept", "Keep ends the review", lambda picture: stage(GOOD)(picture) and not stage(NOTE)(picture))

    def mix(self):
        layout = self.layout
        orange, blue, purple, green = COMPONENTS[:4]
        solo, mute = layout.switch(0, 0), layout.switch(1, 1)
        self.press(middle(solo))
        others = [dimmed(color) for color in (blue, purple, green)]
        alone = lambda picture: self.share(picture, solo, orange) > 0.7 and self.shows_bars(picture, [orange, *others])
        self.step("solo", "Solo 1 lights up, and the others are dimmed", alone)
        self.press(middle(solo))
        self.press(middle(mute))
        silent = lambda picture: self.share(picture, mute, blue) > 0.7
        rest = lambda picture: self.shows_bars(picture, [orange, dimmed(blue), purple, green])
        self.step("mute", "Mute 2 lights up, and only that is dimmed", lambda picture: silent(picture) and rest(picture))
        self.screen.drag(self.at(layout.handle(2, 0)), self.at(layout.handle(2, -12)))
        self.step("drag", "the fader of 3 follows the pointer to -12 dB", lambda picture: self.is_at(picture, 2, -12))
        self.press(layout.handle(3, 0), button=3)
        self.screen.wait(lambda picture: False, 0.5)
        self.screen.keep("type-a-value")
        self.screen.write("-6")
        self.step("typed-a-value", "-6 typed after a right click moves the fader of 4", lambda picture: self.is_at(picture, 3, -6))

    def is_at(self, picture, component, gain_db):
        """Whether a fader's handle is where the gain says, to 3 points: 2 dB around -12 dB, finer above."""
        x, y = self.layout.handle(component, gain_db)
        # White under the pointer, else nearly.
        light = lambda top, bottom: self.share(picture, (x - 14, top, x - 11, bottom), HANDLE, near=30)
        return light(y - 4, y + 4) > 0.9 and light(y - 12, y - 10) == 0 and light(y + 10, y + 12) == 0

    def rename(self, name):
        before = self.name_of_first(self.screen.look())
        self.screen.press_twice(self.at(middle(self.layout.name(0))))
        self.screen.wait(lambda picture: (self.name_of_first(picture) != before).any(), 3)
        self.screen.keep("rename")
        self.screen.write(name)
        self.screen.do("mousemove", 5, 1200)
        # The learner renames: the field disappears, then the new name is shown.
        is_field = lambda picture: self.share(picture, self.layout.name(0), SUNKEN, near=2) > 0.1
        changed = lambda picture: not is_field(picture) and (self.name_of_first(picture) != before).any()
        return self.step("renamed", f"a double click on the name, {name} and Enter rename it", changed)

    def settle(self):
        layout = self.layout
        above = (layout.settings - 40, 500, layout.settings + 220, 726)
        self.press((layout.settings, layout.footer))
        is_open = lambda picture: self.share(picture, above, PANEL, near=2) > 0.5
        self.step("settings", "Settings open", is_open)
        self.screen.do("key", "Escape")
        self.step("settings-closed", "Escape closes them", lambda picture: not is_open(picture))

    def loop(self):
        layout = self.layout
        # Waits for the end of the song, so that the button says Play and starts it from the beginning.
        wave = lambda: self.cut(self.screen.look(), layout.wave)
        before, end = None, time.monotonic() + 15
        while time.monotonic() < end and not np.array_equal(before, now := wave()):
            before = now
            time.sleep(0.5)
        self.press((layout.left + 33, 93))
        point = lambda wave, share_of: (wave[0] + (wave[2] - wave[0]) * share_of, 100)
        self.screen.drag(self.at(point(layout.wave, 0.25)), self.at(point(layout.wave, 0.5)))
        low, high = (point(layout.looped_wave, share_of)[0] for share_of in (0.25, 0.5))
        tint = tuple(round(0.18 * part + 0.82 * ground) for part, ground in zip(LOOP, SUNKEN))
        # Below the waveform, beside the edges: tinted on the inside, and not on the outside.
        tinted = lambda picture, x: self.share(picture, (x, 111, x + 3, 115), tint, near=4)
        inside = lambda picture: tinted(picture, low + 4) == 1 and tinted(picture, high - 6) == 1
        outside = lambda picture: tinted(picture, low - 6) == 0 and tinted(picture, high + 4) == 0
        is_looped = lambda picture: inside(picture) and outside(picture)
        self.step("loop", "dragging over a range of the song loops it", is_looped)
        # One repetition takes 3.3 s. The pointer is as bright as the position line, so it moves away.
        self.screen.do("mousemove", 5, 1200)
        places = []
        for _ in range(80):
            time.sleep(0.1)
            places.append(self.playhead(self.screen.look(), layout.looped_wave))
        self.screen.keep("looping")
        # Playback first reaches the loop, and then stays in it.
        first = next((i for i, x in enumerate(places) if x >= low - 2), len(places) - 1)
        is_inside = all(low - 2 <= x <= high + 2 for x in places[first:])
        repeats = any(later < earlier - 50 for earlier, later in zip(places, places[1:]))
        check("the song stays in the loop, which repeats", is_inside and repeats, f"{min(places[first:])} to {max(places)}")

    def playhead(self, picture, wave):
        """The position line: the x of the brightest column."""
        row = self.cut(picture, (wave[0], 111, wave[2], 115)).min(axis=(0, 2))
        return wave[0] + int(row.argmax())

    def type_path(self, x, path):
        """Opens the menu of Import or Export, and types a path into its field."""
        self.press((x, self.layout.footer))
        self.screen.wait(lambda picture: False, 0.4)
        self.screen.write(path)

    def files(self, folder):
        layout = self.layout
        has_message = lambda picture: self.share(picture, layout.message, NOTE, near=24) > 0.02
        self.type_path(layout.imports, os.path.join(folder, "missing.npz"))
        self.step("no-such-file", "a missing file is reported", has_message)
        self.step("message-gone", "the message disappears by itself", lambda picture: not has_message(picture), 12)
        path = os.path.join(folder, "groove.npz")
        self.type_path(layout.export, path)
        self.step("exported", "an export is confirmed", has_message)
        model = np.load(path) if os.path.exists(path) else {}
        names = [str(name) for name in model["components"]] if "components" in model else []
        check("NumPy opens it, with the name that was typed", names[:1] == ["Kick"] and len(names) == 4, f"{names}")
        is_model = "W" in model and model["W"].shape[1] == len(model["owners"]) and np.isfinite(model["W"]).all()
        check("its templates are finite", is_model, f"{model['W'].shape}" if is_model else "")
        self.screen.wait(lambda picture: not has_message(picture), 12)
        before = self.name_of_first(self.screen.look())
        self.type_path(layout.imports, path)
        is_new = lambda picture: has_message(picture) and self.is_review(picture)
        self.step("imported", "an import plays in review", is_new)
        after = self.name_of_first(self.screen.look())
        check("it has the same names", (after == before).all())
        self.compare(before)

    def compare(self, name_in_a):
        layout = self.layout
        renamed = self.name_of_first(self.rename("Drum"))
        [a, b] = [(layout.slots + left, 24, layout.slots + left + 5, 52) for left in (4, 35)]
        chosen = lambda picture, slot: self.share(picture, slot, RAISED, near=3) > 0.9
        shows = lambda picture, name: (self.name_of_first(picture) == name).all()
        self.press((layout.slots + 17, 38))
        is_a = lambda picture: chosen(picture, a) and shows(picture, name_in_a)
        self.step("a", "A plays the previous model, with its names", is_a)
        self.press((layout.slots + 48, 38))
        is_b = lambda picture: chosen(picture, b) and shows(picture, renamed)
        self.step("b", "B plays the other model again", is_b)

    def zoom(self, row, factor):
        """Chooses a row of the zoom menu, counted from its bottom."""
        layout = self.layout
        self.press((layout.zoom, layout.footer))
        self.screen.wait(lambda picture: False, 0.4)
        self.screen.keep("zooms")
        self.press((layout.zoom, layout.footer - 35 - 28 * row))
        self.scale = factor
        size = tuple(round(edge * factor) for edge in layout.size)
        is_new = lambda picture: self.shows_bars(picture, COMPONENTS[:1]) and self.screen.size(self.window) == size
        self.step(f"zoom-{factor * 100:.0f}", f"at {factor * 100:.0f} % the window is {size} and shows everything", is_new)

    def end(self, how):
        how()
        try:
            code = self.program.wait(10)
        except subprocess.TimeoutExpired:
            self.program.kill()
            code = self.program.wait()
        return code, self.told()


def walk(screen, folder):
    program = Walk(screen)
    if program.window is None:
        check("the program opens its window", False, program.told())
        return
    try:
        program.hear()
        program.learn()
        program.mix()
        program.rename("Kick")
        program.settle()
        program.loop()
        program.files(folder)
        program.zoom(2, 1.25)
        program.zoom(1, 1.5)
        code, told = program.end(lambda: screen.display.ask_to_close(program.window))
        check("closing the window ends the program without an error", code == 0 and "panicked" not in told, f"exit code {code} {told}")
    except Ended as ended:
        check("the program runs until it is closed", False, f"{ended}")
    finally:
        program.program.kill()


def interrupt(screen):
    program = Walk(screen)
    ground = lambda picture: program.share(picture, (2, 2, 18, 18), BACKGROUND, near=2) == 1
    check("it opens again", program.window is not None and screen.wait(ground)[1])
    code, told = program.end(lambda: program.program.send_signal(signal.SIGINT))
    check("an interrupt ends the program without an error", code == 0 and "panicked" not in told, f"exit code {code} {told}")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    screen = Screen(FOLDER)
    try:
        with tempfile.TemporaryDirectory() as folder:
            walk(screen, folder)
        interrupt(screen)
    finally:
        screen.close()
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    sys.exit(passed < len(results))


main()
