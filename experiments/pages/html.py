"""HTML pages with everything inside: templates, the style sheet, pictures as addresses."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from attrs import frozen

_STYLE: Any = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "marketsim",
    "svg.fonttype": "path",
    # Names come from data: between two dollars they are no formula.
    "text.parse_math": False,
}


@frozen
class Picture:
    """An image as a data address, and what it shows in words."""

    source: str
    alt: str


def embedded(svg: bytes, alt: str) -> Picture:
    """An SVG picture as a page can hold it; `alt` says what it shows."""
    return Picture(f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}", alt)


def render(template: str, **values: Any) -> str:
    """The page that `template` of experiments/templates makes of `values`; a name that it misses is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("experiments") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = Markup((folder / "report.css").read_text(encoding="utf-8"))  # noqa: S704  (our own file)
    return environment.get_template(template).render(style=style, **values)


def picture_of(size: tuple[float, float], draw: Callable[[Any], None]) -> bytes:
    """An SVG picture: `draw` gets a matplotlib figure of `size` inches."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        # Margins are set by hand: an automatic layout draws everything twice more.
        figure = Figure(figsize=size)
        FigureCanvasSVG(figure)
        draw(figure)
        content = io.BytesIO()
        # Without a date the same study gives the same bytes.
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return content.getvalue()
