"""The positions in the editor at its normal size, from src/editor/{view,header,song_bar,scene,strip,footer}.rs."""
import os

from PIL import ImageFont

from screen import ROOT, colors

# The colours of components.
COMPONENTS = colors("src/pictures/palette.rs", r"    \[")


class Layout:
    """Points, and rectangles as (left, top, right, bottom), in points from the editor's corner."""

    size = (1200, 780)
    left, right = 20, 1180
    header, footer = 38, 746
    arrow = 8

    def __init__(self):
        fonts = [os.path.join(ROOT, "assets", "fonts", f"Inter-{weight}.otf") for weight in ("Regular", "SemiBold")]
        self.plain, self.strong = (ImageFont.truetype(font, 13).getlength for font in fonts)
        title = ImageFont.truetype(fonts[1], 20).getlength("Unweave")
        # The header from the left: a button is 26 points wider than its text, one in a row 24, and neighbours in a row overlap by 1.
        self.capture = self.left + title + 12 + 8
        last = self.capture + 118 + 12
        targets = last + self.strong("Learn last  8 s") + 24 - 1 + self.arrow + 24 + 12
        # ... and the button with the name of a component has a fixed width.
        keep = targets + self.strong("All · 4 Rest") + self.arrow + 2 * 24 + 142 - 2 + 12
        revert = keep + self.plain("Keep") + 26 + 12
        self.slots = revert + self.plain("Revert") + 26 + 12
        self.keep = (keep, 21, keep + self.plain("Keep") + 26, 55)
        # ... and from the right.
        self.stage = (self.slots + 70, 21, self.right, 55)
        cancel = self.right - self.plain("Cancel") - 26
        self.losses = (cancel - 12 - 80, 23, cancel - 12, 53)
        # The song's bar.
        self.wave = (self.left + 66 + 8 + self.strong("Open…") + 8, 70, self.right, 116)
        self.looped_wave = self.wave[:2] + (self.right - 86, 116)
        # The middle, between the song's bar and the strips: the traces are a quarter of it.
        self.spectrogram = (self.left, 127, self.right, 333)
        self.traces = (self.left, 344, self.right, 413)
        self.message = (self.left + 12, 137, self.left + 42, 167)
        # The footer, from the left with 20 between, and from the right with 16.
        texts = ["Normal", "Latency 42.7 ms", "CPU 0.5 %", "Dropped 0"]
        before = self.plain("Mode") + 5 + self.arrow + sum(map(self.strong, texts)) + 5 + 56
        self.settings = self.left + before + 4 * 20 + 15 + 30
        self.export = self.right - self.strong("Export…") / 2
        self.imports = self.right - self.strong("Export…") - 16 - self.strong("Import…") / 2
        zoom = self.plain("Zoom") + 5 + self.strong("100 % ") + self.arrow
        self.zoom = self.imports - self.strong("Import…") / 2 - 16 - zoom / 2

    def strip(self, component):
        """(left, top, right, bottom) of a strip."""
        left = self.left + 146 * component
        return left, 424, left + 138, 726

    def bar(self, component):
        left, top, right, _ = self.strip(component)
        return left + 12, top + 32, right - 12, top + 35

    def name(self, component):
        left, top, _, _ = self.strip(component)
        return left + 10, top + 8, left + 106, top + 30

    def switch(self, component, index):
        """Solo, mute and gate are 0, 1 and 2."""
        left, top, _, _ = self.strip(component)
        left = left + 10 + (118 - 12) / 3 * index + 6 * index
        return left + 2, top + 274, left + 33, top + 292

    def handle(self, component, gain_db):
        """The centre of a fader's handle. The position is the square root of the gain: 0 dB is at half the height of +12 dB."""
        left, top, _, _ = self.strip(component)
        return left + 80, top + 228 - 112 * 10 ** ((gain_db - 12) / 40)
