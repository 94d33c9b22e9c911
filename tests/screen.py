"""A screen of its own for the programs that tests look at: Xvfb, with xdotool for a hand and its frame buffer for eyes.

`screen.py COMMAND ...` runs a command on such a screen, and ends as it ends.

There is no window manager: each window is put where the program asks for it, and closed by the message that one would send.
"""
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WIDTH, HEIGHT = 1920, 1240


class Screen:
    """Xvfb on the first free display, and what a person does and sees there. Programs that are started later find it."""

    def __init__(self, folder):
        self.folder = folder
        self.pictures = 0
        self.buffers = tempfile.TemporaryDirectory()
        reader, writer = os.pipe()
        size = f"{WIDTH}x{HEIGHT}x24"
        command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-fbdir", self.buffers.name]
        # It ends with its last client, however that ends.
        command += ["-nolisten", "tcp", "-terminate"]
        self.server = subprocess.Popen(command, pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writer)
        # The number comes when the server can be connected to.
        with os.fdopen(reader) as told:
            os.environ["DISPLAY"] = ":" + told.readline().strip()
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        self.display = Display()
        # JUCE, which dawdreamer is made with, uses these names without a look whether a window manager made them.
        for name in "FRAME_EXTENTS WM_STATE WM_ALLOWED_ACTIONS WM_WINDOW_TYPE WM_PID WM_PING WM_USER_TIME WM_ICON".split():
            self.display.atom("_NET_" + name)
        for name in ("_MOTIF_WM_HINTS", "WM_PROTOCOLS", "WM_DELETE_WINDOW", "WM_STATE", "XdndAware", "_XEMBED_INFO"):
            self.display.atom(name)

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.buffers.cleanup()

    def do(self, *arguments):
        """Runs xdotool; gives what it prints."""
        words = ["xdotool"] + [str(argument) for argument in arguments]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    def windows(self, name):
        """The visible windows of exactly this name."""
        return [int(line) for line in self.do("search", "--onlyvisible", "--name", f"^{name}$").split()]

    def size(self, window):
        """(width, height) of a window; (0, 0) if it is gone."""
        told = re.search(r"Geometry: (\d+)x(\d+)", self.do("getwindowgeometry", window))
        return tuple(int(part) for part in told.groups()) if told else (0, 0)

    def place(self, window):
        """Where a window's corner is on the screen."""
        told = re.search(r"Position: (-?\d+),(-?\d+)", self.do("getwindowgeometry", window))
        return tuple(int(part) for part in told.groups()) if told else (0, 0)

    def press(self, place, button=1):
        """Goes to a place and clicks."""
        # The pointer rests between: a frame sees it arrive before the button.
        self.do("mousemove", *place, "sleep", 0.12, "click", button)

    def press_twice(self, place):
        self.do("mousemove", *place, "sleep", 0.12, "click", "--repeat", 2, "--delay", 90, 1)

    def drag(self, start, end):
        """Presses at one place, moves in steps to another, lets go."""
        # The first step is long: what is less than 6 points counts as a click, and is lost to the drag.
        steps = [word for share in (0.4, 0.6, 0.8, 1.0) for word in move(start, end, share)]
        self.do("mousemove", *start, "sleep", 0.12, "mousedown", 1, "sleep", 0.08, *steps, "mouseup", 1)

    def write(self, text, last="Return"):
        """Types a text and a key after it."""
        self.do("type", "--delay", 25, "--", text)
        time.sleep(0.15)
        self.do("key", last)

    def look(self):
        """What is on the screen, height × width × red, green, blue."""
        with open(os.path.join(self.buffers.name, "Xvfb_screen0"), "rb") as file:
            file_bytes = file.read()
        # The layout of an X window dump: its header's length, its 12 bytes per colour, its bytes per line.
        header = np.frombuffer(file_bytes, ">u4", 25)
        start = int(header[0] + 12 * header[19])
        pixels = np.frombuffer(file_bytes, np.uint8, int(header[12]) * HEIGHT, start)
        return pixels.reshape(HEIGHT, -1, 4)[:, :WIDTH, 2::-1]

    def keep(self, name, picture=None):
        """Writes a picture, of now if none is given, to the folder as `NN-name.png`."""
        self.pictures += 1
        path = os.path.join(self.folder, f"{self.pictures:02}-{name}.png")
        Image.fromarray(np.ascontiguousarray(self.look() if picture is None else picture)).save(path)

    def wait(self, condition, within_s=10.0):
        """Looks until a picture fulfils the condition; gives the last picture, and whether it does."""
        end = time.monotonic() + within_s
        while True:
            picture = self.look()
            is_there = bool(condition(picture))
            if is_there or time.monotonic() > end:
                return picture, is_there
            time.sleep(0.02)


class Display:
    """A connection to the X server, for what xdotool cannot do."""

    class ClientMessage(ctypes.Structure):
        _fields_ = [
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("room_of_other_events", ctypes.c_long * 12),
        ]

    def __init__(self):
        self.library = ctypes.CDLL("libX11.so.6")
        self.library.XOpenDisplay.restype = ctypes.c_void_p
        self.library.XInternAtom.restype = ctypes.c_ulong
        self.connection = ctypes.c_void_p(self.library.XOpenDisplay(None))

    def atom(self, name):
        atom = self.library.XInternAtom(self.connection, name.encode(), 0)
        self.library.XSync(self.connection, 0)
        return atom

    def ask_to_close(self, window):
        """What a window manager sends when the window's cross is pressed."""
        client_message, wm_delete = 33, self.atom("WM_DELETE_WINDOW")
        event = self.ClientMessage(type=client_message, window=window, message_type=self.atom("WM_PROTOCOLS"), format=32)
        event.data[0] = wm_delete
        self.library.XSendEvent(self.connection, ctypes.c_ulong(window), 0, 0, ctypes.byref(event))
        self.library.XSync(self.connection, 0)


def move(start, end, share):
    """xdotool's words for a step on the way."""
    place = [round(a + (b - a) * share) for a, b in zip(start, end)]
    return ["mousemove", *place, "sleep", 0.05]


def colors(path, pattern):
    """Colours that stand in a source file as 0x.., 0x.., 0x.. after a pattern."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        found = re.findall(pattern + r"0x(\w\w), 0x(\w\w), 0x(\w\w)", file.read())
    return [tuple(int(part, 16) for part in color) for color in found]


def theme(name):
    """A colour of the editor by its name in the source."""
    [color] = colors("src/editor/theme.rs", rf"const {name}: Color32 = Color32::from_rgb\(")
    return color


def share(picture, rect, color, near=12):
    """How much of a rectangle (left, top, right, bottom) is of a colour; `near` is how far each byte may be from it."""
    left, top, right, bottom = (round(edge) for edge in rect)
    part = picture[top:bottom, left:right].astype(int)
    return float((np.abs(part - np.array(color)).max(axis=2) <= near).mean())


def main():
    screen = Screen(tempfile.gettempdir())
    try:
        return subprocess.call(sys.argv[1:])
    finally:
        screen.close()


if __name__ == "__main__":
    sys.exit(main())
