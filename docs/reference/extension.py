"""A griffe extension for the reference: examples out of doctests, and the constructors that attrs makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import griffe

ATTRS = {"attrs.define", "attrs.frozen"}


def with_section(text: str) -> str:
    r"""`text` with its doctest, from `>>>` to the end of the paragraph, below a heading `Examples:`.

    >>> with_section("Adds one.\n\n>>> add(1)\n2\n\nMore.").splitlines()
    ['Adds one.', '', 'Examples:', '    >>> add(1)', '    2', '', 'More.']
    """
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith(">>>") and not inside:
            lines.append("Examples:")
            inside = True
        inside = inside and bool(line.strip())
        lines.append(f"    {line}" if inside else line)
    return "\n".join(lines)


def keywords(value: Any) -> dict[str, Any]:
    """The keyword arguments of a call such as `field(default=1)`, by name."""
    arguments = value.arguments if isinstance(value, griffe.ExprCall) else []
    return {each.name: each.value for each in arguments if isinstance(each, griffe.ExprKeyword)}


def parameters(cls: griffe.Class, *, kw_only: bool) -> Iterator[griffe.Parameter]:
    """What the constructor of an attrs class takes, in order."""
    for attribute in cls.attributes.values():
        if attribute.annotation is None or "instance-attribute" not in attribute.labels:  # a ClassVar
            continue
        value = attribute.value
        is_field = isinstance(value, griffe.ExprCall) and str(value.function) == "field"
        given = keywords(value) if is_field else {}
        if str(given.get("init")) == "False":
            continue
        default = given.get("default", f"{given['factory']}()" if "factory" in given else None) if is_field else value
        named = kw_only or str(given.get("kw_only")) == "True"
        kind = griffe.ParameterKind.keyword_only if named else griffe.ParameterKind.positional_or_keyword
        yield griffe.Parameter(attribute.name.lstrip("_"), annotation=attribute.annotation, default=default, kind=kind)


def write_constructor(cls: griffe.Class, *, kw_only: bool) -> None:
    """Give `cls` the `__init__` that its fields make."""
    found = sorted(parameters(cls, kw_only=kw_only), key=lambda each: each.kind is griffe.ParameterKind.keyword_only)
    this = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(this, *found), returns="None"))


class Extension(griffe.Extension):
    """Applied to all that is collected."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring before it is parsed."""
        if obj.docstring is not None:
            obj.docstring.value = with_section(obj.docstring.value)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Write the constructor of an attrs class or a named tuple, and the members of an enum."""
        bases = {str(base) for base in cls.bases}
        if bases & {"Enum", "IntEnum"} and cls.docstring is not None:
            rows = [f"- `{name}`: {each.value}" for name, each in cls.attributes.items() if each.value is not None]
            cls.docstring.value += "\n\n" + "\n".join(rows)
        if "NamedTuple" in bases:
            write_constructor(cls, kw_only=False)
        for decorator in cls.decorators:
            if decorator.callable_path in ATTRS and "__init__" not in cls.members:
                write_constructor(cls, kw_only=str(keywords(decorator.value).get("kw_only")) == "True")
