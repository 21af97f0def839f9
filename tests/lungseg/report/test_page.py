"""A page escapes its values, and an unknown name is an error and no gap."""

import sys

import jinja2
import pytest

from lungseg.report.page import as_ml, page_template


@pytest.fixture
def template(tmp_path, monkeypatch):
    """Function: text, filters -> the template of a package that has that text."""
    package = tmp_path / "package_of_a_page"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def make(text, **filters):
        (package / "templates" / "report.html.j2").write_text(text)
        return page_template(package.name, **filters)

    yield make
    sys.modules.pop(package.name, None)


@pytest.mark.parametrize(
    ("volume", "shown"),
    [(0.0, "0.00"), (0.0049, "< 0.01"), (0.005, "0.01"), (0.5, "0.50"), (12.345, "12.35")],
)
def test_a_volume_that_is_there_is_not_shown_as_none(volume, shown):
    assert as_ml(volume) == shown


def test_values_are_escaped(template):
    assert template("<p>{{ name }}</p>").render(name="<b>&") == "<p>&lt;b&gt;&amp;</p>"


def test_an_unknown_name_is_an_error(template):
    with pytest.raises(jinja2.UndefinedError, match="nane"):
        template("{{ nane }}").render(name="x")


def test_filters_go_by_their_names(template):
    assert template("{{ 2 | twice }}", twice=lambda value: 2 * value).render() == "4"


def test_lines_of_a_loop_leave_no_empty_lines(template):
    text = "<ul>\n  {% for n in 'ab' %}\n  <li>{{ n }}\n  {% endfor %}\n</ul>"
    assert template(text).render() == "<ul>\n  <li>a\n  <li>b\n</ul>"
