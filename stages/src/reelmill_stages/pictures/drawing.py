"""A drawing of rectangles, lines, texts and images that can be rendered as SVG or PNG."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from PIL import Image, ImageDraw, ImageFont

from reelmill_stages.untrusted.images import open_image

INK, GREY, PALE = "#1f2328", "#6e7781", "#d8dee4"
KEPT, FILTERED, FAILED, SKIPPED, LIMIT = "#2da44e", "#d4a72c", "#cf222e", "#8c959f", "#cf222e"

_FAMILY = "DejaVu Sans, Verdana, sans-serif"


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled rectangle; lengths are in pixels."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text. `x` is its left end, its middle or its right end (see `anchor`), `y` its baseline."""

    x: float
    y: float
    text: str
    size: int = 12
    colour: str = INK
    anchor: str = "start"
    """`start`, `middle` or `end`."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A JPEG image in its original size, with its upper left corner at (x, y)."""

    x: float
    y: float
    width: int
    height: int
    jpeg: bytes


Shape = Rectangle | Text | Photo


@dataclass(slots=True)
class Drawing:
    """A drawing with a size in pixels, on a white background."""

    width: int
    height: int
    shapes: list[Shape] = field(default_factory=list)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Add a rectangle; one without an area is ignored."""
        if width > 0 and height > 0:
            self.shapes.append(Rectangle(x, y, width, height, colour))

    def text(self, x: float, y: float, text: str, size: int = 12, colour: str = INK, anchor: str = "start") -> None:
        """Add a line of text."""
        self.shapes.append(Text(x, y, text, size, colour, anchor))

    def photo(self, x: float, y: float, width: int, height: int, jpeg: bytes) -> None:
        """Add an image."""
        self.shapes.append(Photo(x, y, width, height, jpeg))

    def svg(self) -> bytes:
        """Return the drawing as SVG."""
        size = f'width="{self.width}" height="{self.height}"'
        box = f'viewBox="0 0 {self.width} {self.height}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} font-family={quoteattr(_FAMILY)}>',
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>',
            *(_svg(shape) for shape in self.shapes),
            "</svg>",
        ]
        return "\n".join(lines).encode()

    def png(self) -> bytes:
        """Return the drawing as PNG."""
        image = Image.new("RGB", (self.width, self.height), "#ffffff")
        pen = ImageDraw.Draw(image)
        for shape in self.shapes:
            match shape:
                case Rectangle(x, y, width, height, colour):
                    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
                case Text(x, y, text, size, colour, anchor):
                    place = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
                    pen.text((x, y), text, fill=colour, font=ImageFont.load_default(size), anchor=place)
                case Photo(x, y, width, height, jpeg):
                    with open_image(jpeg) as photo:
                        pixels = photo.convert("RGB")
                    image.paste(pixels, (round(x), round(y)))
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()


def rendered(drawing: Drawing, form: str) -> bytes:
    """Render the drawing as `svg` or `png`."""
    forms: dict[str, Callable[[], bytes]] = {"svg": drawing.svg, "png": drawing.png}
    return forms[form]()


def _svg(shape: Shape) -> str:
    match shape:
        case Rectangle(x, y, width, height, colour):
            return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"/>'
        case Text(x, y, text, size, colour, anchor):
            return (
                f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
                f'xml:space="preserve">{escape(text)}</text>'
            )
        case Photo(x, y, width, height, jpeg):
            data = base64.b64encode(jpeg).decode()
            return (
                f'<image x="{x:g}" y="{y:g}" width="{width}" height="{height}" href="data:image/jpeg;base64,{data}"/>'
            )
