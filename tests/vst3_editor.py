#!/usr/bin/env python3
"""vst3_editor.py BUNDLE [OPENINGS]: the editor of the built VST3, opened 12 times in a Python host while audio runs, on a screen of its own.

After each opening the strips of a learned model must be visible. Memory, threads and open files must not grow with openings. Then the
state is saved and loaded under an open editor, and a saved window size must be restored.
Prints a line per check, and at the end `N passed, N failed`.
"""
import ctypes
import os
import signal
import sys
import tempfile
import threading
import time

from layout import COMPONENTS, Layout
from screen import HEIGHT, ROOT, WIDTH, Screen, share

import dawdreamer
import numpy as np
import soundfile

BUNDLE = os.path.abspath(sys.argv[1])
OPENINGS = int(sys.argv[2]) if len(sys.argv) > 2 else 12
# The first openings allocate what later ones use again: drivers, fonts, pools.
SETTLED = max(1, OPENINGS // 3)
# 1 to 5 kB were measured, of the graphics driver and of what malloc counts by the way. A keymap alone would be 70 kB, the queue of tasks of a view 240.
MOST_KB = 60
FOLDER = tempfile.mkdtemp()
STATE = os.path.join(FOLDER, "state")
WINDOW = "DawDreamer: Unweave"
LAYOUT = Layout()
results = []


def check(name, is_good, detail=""):
    results.append(bool(is_good))
    print("ok    " if is_good else "FAILED", name, detail, flush=True)


class Host:
    """One instance, and its input."""

    def __init__(self, screen, sound, rate):
        self.screen = screen
        self.engine = dawdreamer.RenderEngine(rate, 512)
        self.plugin = self.engine.make_plugin_processor("unweave", BUNDLE)
        self.plugin.set_bus(2, 2)
        described = self.plugin.get_parameters_description()
        self.index = {parameter["name"]: parameter["index"] for parameter in described}
        source = self.engine.make_playback_processor("sound", sound)
        self.engine.load_graph([(source, []), (self.plugin, ["sound"])])
        self.seconds = sound.shape[1] / rate
        self.renders, self.closed = 0, set()
        self.is_quiet = threading.Lock()

    def play(self, seconds):
        self.engine.render(seconds)
        self.renders += 1

    def learn(self):
        self.plugin.set_parameter(self.index["Capture"], 1.0)
        self.play(self.seconds)
        self.plugin.set_parameter(self.index["Capture"], 0.0)
        self.play(0.1)
        end = time.monotonic() + 60
        while len(self.save()) < 20_000 and time.monotonic() < end:
            time.sleep(0.05)
        return len(self.save()) >= 20_000

    def save(self):
        self.plugin.save_state(STATE)
        with open(STATE, "rb") as file:
            return file.read()

    def load(self, state):
        with open(STATE, "wb") as file:
            file.write(state)
        try:
            self.plugin.load_state(STATE)
        except RuntimeError as error:
            # dawdreamer restores the state and then looks for an editor to refresh; there may be none.
            if "editor" not in str(error):
                raise

    def window(self):
        """The open window, or `None`. To be asked each time: JUCE makes it twice, and moves it; and the one before may not be gone yet."""
        windows = [window for window in self.screen.windows(WINDOW) if window not in self.closed]
        return windows[0] if windows else None

    def size(self):
        return self.screen.size(self.window())

    def open(self, meanwhile):
        """Opens the editor; another thread waits for it, does `meanwhile()`, and closes it."""
        told = []
        # What the opening before has left on the screen is not to be taken for this one.
        self.screen.wait(lambda picture: picture.mean() < 1 and not self.screen.windows(WINDOW))

        def hand():
            end = time.monotonic() + 10
            while self.window() is None and time.monotonic() < end:
                time.sleep(0.01)
            try:
                told.append(meanwhile() if self.window() else None)
            finally:
                window = self.window()
                if window is not None:
                    self.closed.add(window)
                    self.screen.display.ask_to_close(window)

        thread = threading.Thread(target=hand)
        thread.start()
        # Until the window is closed.
        self.plugin.open_editor()
        thread.join()
        return told[0] if told else None

    def shows_strips(self, within_s=10.0):
        """Whether the strips of the model are seen; gives the last picture too."""

        def is_there(picture):
            window = self.window()
            if window is None:
                return False
            left, top = self.screen.place(window)
            width, height = self.screen.size(window)
            # Strips lie at the bottom, and share the width.
            below = height - Layout.size[1]
            pitch = (width - 40 - 7 * 8) / 8 + 8
            for component, color in enumerate(COMPONENTS[:4]):
                bar_left = left + 20 + pitch * component + 12
                _, bar_top, _, bar_bottom = LAYOUT.bar(component)
                bar = (bar_left, top + bar_top + below, bar_left + pitch - 34, top + bar_bottom + below)
                if share(picture, bar, color) < 0.8:
                    return False
            return True

        return self.screen.wait(is_there, within_s)


class Sound(threading.Thread):
    """Renders until it is stopped."""

    def __init__(self, host):
        super().__init__()
        self.host, self.is_over = host, threading.Event()

    def run(self):
        while not self.is_over.is_set():
            with self.host.is_quiet:
                self.host.play(0.25)
            # Not as fast as it can: this is enough to meet the editor often.
            time.sleep(0.02)


class Malloc(ctypes.Structure):
    """glibc's figures of its memory, in bytes."""

    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


def resources():
    """(MB that malloc gave and has not back, threads, open files) of this process.

    Resident memory tells less: what is freed stays with malloc's arenas, 60 MB more or less from one opening to the next.
    """
    library = ctypes.CDLL("libc.so.6")
    library.mallinfo2.restype = Malloc
    malloc = library.mallinfo2()
    used = (malloc.uordblks + malloc.hblkhd) / 2**20
    return used, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def fill_history(host):
    """Plays until memory stands still: the plug-in keeps the last half minute of sound, which would count as the openings'."""
    used = []
    end = time.monotonic() + 60
    while time.monotonic() < end and not (len(used) > 8 and used[-1] - used[-8] < 0.01):
        time.sleep(0.25)
        with host.is_quiet:
            used.append(resources()[0])


def open_often(host):
    measured, seen, renders = [], 0, host.renders
    started = time.monotonic()
    for opening in range(OPENINGS):
        picture, is_there = host.open(host.shows_strips) or (None, False)
        seen += is_there
        if not is_there and picture is not None:
            host.screen.keep("missing", picture)
        # Until the host has let go of the window.
        time.sleep(0.1)
        with host.is_quiet:
            measured.append(resources())
        if opening % 10 == 9 or opening < 3:
            print(f"      after {opening + 1}: %.1f MB, %d threads, %d files" % measured[-1], flush=True)
    seconds = time.monotonic() - started
    check("each opening shows the strips of the model", seen == OPENINGS, f"{seen} of {OPENINGS} in {seconds:.0f} s")
    check("audio ran all the while", host.renders > renders + OPENINGS, f"{host.renders - renders} times 0.25 s")
    (before, threads, files), (after, threads_after, files_after) = measured[SETTLED - 1], measured[-1]
    openings = OPENINGS - SETTLED
    check("threads do not grow", threads_after <= threads, f"{threads}, then {threads_after}")
    check("open files do not grow", files_after <= files, f"{files}, then {files_after}")
    grown = 1024 * (after - before) / openings
    check("memory does not grow", grown < MOST_KB, f"{grown:.0f} kB per opening, of {MOST_KB}")


def main():
    screen = Screen(os.environ.get("PICTURES", FOLDER))
    try:
        sound, rate = soundfile.read(os.path.join(ROOT, "assets", "groove", "groove.flac"), dtype="float32")
        host = Host(screen, np.ascontiguousarray(sound.T[:, : 8 * rate]), rate)
        check("a model is learned", host.learn())
        playing = Sound(host)
        playing.start()
        try:
            fill_history(host)
            open_often(host)
        finally:
            playing.is_over.set()
            playing.join()
        remember(screen, host, sound, rate)
    finally:
        screen.close()
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed", flush=True)
    # JUCE's end is none of this test's.
    os._exit(passed < len(results))


def remember(screen, host, sound, rate):
    loaded = threading.Event()

    def load(*_):
        host.load(state)
        loaded.set()

    state = host.save()
    signal.signal(signal.SIGUSR1, load)

    def save_and_load():
        _, before = host.shows_strips()
        saved = host.save()
        # Hosts load on the thread of their windows: this one runs a signal's handler there while the editor is open.
        os.kill(os.getpid(), signal.SIGUSR1)
        is_loaded = loaded.wait(10)
        # dawdreamer then draws a second editor over the first, moved: the colours must be there, wherever they are.
        is_shown = lambda picture: all(share(picture, (0, 0, WIDTH, HEIGHT), color) > 1e-5 for color in COMPONENTS[:4])
        return len(saved) > 20_000 and before and is_loaded and screen.wait(is_shown)[1]

    check("a state saved and loaded under the open editor is shown", host.open(save_and_load))

    def resize():
        host.shows_strips()
        screen.do("windowsize", host.window(), 1400, 900)
        return host.shows_strips()[1], host.size(), host.save()

    is_there, size, state = host.open(resize)
    check("a resized window shows the strips", is_there and size == (1400, 900), f"{size}")
    reopened = Host(screen, np.ascontiguousarray(sound.T[:, :rate]), rate)
    reopened.load(state)
    is_there, size = reopened.open(lambda: (reopened.shows_strips()[1], reopened.size()))
    check("a project's editor opens in its saved size", is_there and size == (1400, 900), f"{size}")


main()
