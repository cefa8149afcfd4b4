"""What the reports of all studies share: HTML pages and pictures; `numbers` and `tables` have their words."""

from experiments.pages.html import Picture, embedded, picture_of, render

__all__ = ["Picture", "embedded", "picture_of", "render"]
