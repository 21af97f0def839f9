"""Templates of the HTML pages for people: values are escaped, and an unknown name is an error."""

from collections.abc import Callable
from typing import Any

import jinja2


def page_template(
    package: str, name: str = "report.html.j2", **filters: Callable[..., Any]
) -> jinja2.Template:
    """A template of a package, with filters by name."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)


def as_score(value: float | None) -> str:
    """A score from 0 to 1 for people; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def as_ml(value: float) -> str:
    """A volume in mL for people."""
    return "< 0.01" if 0 < value < 0.005 else f"{value:.2f}"
