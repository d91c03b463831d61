"""What a browser makes of a page: its elements and their text, by the standard library's parser."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Markup(HTMLParser):
    """The elements of a page in order, and all of its text."""

    html: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def links(self) -> list[str]:
        """All addresses of the page on the same server."""
        return [value for _, attributes in self.elements for name, value in attributes.items() if name in _ADDRESSES]

    def active(self) -> list[str]:
        """Everything that the content security policy forbids: inline scripts and styles, and handlers."""
        found = []
        for tag, attributes in self.elements:
            found += [f"{tag} {name}" for name in attributes if name.startswith("on") or name == "style"]
            if tag == "style" or (tag == "script" and "src" not in attributes):
                found.append(tag)
            found += [value for name, value in attributes.items() if name in _ADDRESSES and ":" in value.split("/")[0]]
        return found


_ADDRESSES = ("href", "src", "action", "hx-get", "poster")
