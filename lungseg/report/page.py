"""Templates of the HTML pages for people: values are escaped, and an unknown name is an error."""

from collections.abc import Callable
from typing import Any

import jinja2


def page_template(package: str, **filters: Callable[..., Any]) -> jinja2.Template:
    """The template `report.html.j2` of a package, with filters by name."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template("report.html.j2")
