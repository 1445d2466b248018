"""Alt texts and captions quote what the notebook glued, or the page fails with one line that says where."""

from __future__ import annotations

import pytest

nbformat = pytest.importorskip("nbformat")
import glued


def record(name, text):
    metadata = {"scrapbook": {"name": name, "mime_prefix": glued.PREFIX}}
    return nbformat.v4.new_output("display_data", data={f"{glued.PREFIX}text/plain": text}, metadata=metadata)


def notebook(alt, caption="What to see."):
    figure = nbformat.v4.new_code_cell("draw()")
    figure.metadata["mystnb"] = {"figure": {"caption": caption, "name": "fig-a"}, "image": {"alt": alt}}
    later = nbformat.v4.new_code_cell("say()", outputs=[record("ece", "0.12345"), record("who", "'sft4'")])
    return [figure, later]


def test_values_of_a_notebook():
    assert glued.values(notebook("")) == {"ece": 0.12345, "who": "sft4"}
    assert glued.values([nbformat.v4.new_code_cell("", outputs=[record("t", "inf")])]) == {"t": float("inf")}


def test_templates_are_filled_wherever_the_value_was_glued():
    cells = notebook("{who} has an ECE of {ece:.2f}; {{braces}} stay", "ECE {ece:.1%}")
    glued.fill(cells, "01_a")
    metadata = cells[0].metadata["mystnb"]
    assert metadata["image"]["alt"] == "sft4 has an ECE of 0.12; {braces} stay"
    assert metadata["figure"]["caption"] == "ECE 12.3%"


@pytest.mark.parametrize(
    ("alt", "fault"),
    [
        ("{gone:.2f}", "01_a, cell 1, alt: nothing is glued as 'gone' (a literal brace is doubled)"),
        ("{who:.2f}", "01_a, cell 1, alt: {who:.2f} for 'sft4': Unknown format code"),
        ("{ece", "01_a, cell 1, alt: braces: "),
        ("{ece.real}", "01_a, cell 1, alt: nothing is glued as 'ece.real'"),
    ],
)
def test_a_template_that_cannot_be_filled_says_where(alt, fault):
    with pytest.raises(glued.TemplateError) as caught:
        glued.fill(notebook(alt), "01_a")
    assert str(caught.value).startswith(fault)
    assert "\n" not in str(caught.value)
