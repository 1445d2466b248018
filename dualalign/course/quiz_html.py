"""A quiz as one HTML string: native radio buttons, feedback for the option chosen, no kernel and no network.

The feedback of every option stands in a closed `<details>` below its item. That is what a reader without scripts opens;
with scripts, `quiz.js` hides it and says only what belongs to the option that was chosen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dualalign.course.quiz import Item, Option, Quiz

CODE = re.compile("`([^`]+)`")
TARGET = "44px"  # the least height of what a finger must hit
RULES = {
    "": "max-width:42rem;color:inherit;line-height:1.45",
    " fieldset": "border:1px solid currentColor;border-radius:.4rem;margin:0 0 1rem;min-width:0;"
    "padding:.4rem .9rem .7rem",
    " legend": "float:left;width:100%;font-weight:bold;font-size:1em;padding:.3rem 0;margin:0;border:0;color:inherit",
    " legend+*": "clear:both",
    " label": f"display:flex;align-items:center;gap:.7rem;min-height:{TARGET};margin:0;padding:.15rem 0;cursor:pointer",
    " label:has(:focus-visible)": "outline:2px solid currentColor;outline-offset:0",
    " [data-part=said] p": "margin:.4rem 0",
    " input": "flex:none;width:1.25rem;height:1.25rem;margin:0",
    " button": "font:inherit;color:inherit;background:transparent;border:1px solid currentColor;border-radius:.3rem;"
    f"padding:.3rem .9rem;min-height:{TARGET};cursor:pointer;margin-top:.3rem",
    " :is(button,summary,a):focus-visible": "outline:3px solid currentColor;outline-offset:2px",
    " :is([data-part=said],[data-part=total]):not(:empty)": "margin:.7rem 0 0;padding:.1rem 0 .1rem .8rem;"
    "border-left:.3rem solid currentColor",
    " summary": f"min-height:{TARGET};line-height:{TARGET};cursor:pointer",
    " code": "color:inherit;background:transparent;border:0;padding:0",
    " a": "color:inherit;text-decoration:underline",
}

# As the script leaves it, before the script has run: nothing moves while the page loads.
SCRIPTED = "@media (scripting:enabled){UID details{display:none}UID button[hidden]{display:inline-block}}"


def quiz_html(quiz: Quiz, address: Callable[[str], str] | None = None) -> str:
    """Return a quiz as HTML; the same quiz gives the same bytes.

    Parameters
    ----------
    quiz : Quiz
    address : callable
        From the name of a page to its address, where the pages that the items name can be reached from this one.
    """
    uid = "daq" + _hash(quiz.name)
    items = "".join(_item(quiz, uid, number) for number in range(len(quiz.items)))
    script = Path(__file__).with_name("quiz.js").read_text(encoding="utf-8").strip()
    reading = "".join(_reading(item, address) for item in quiz.items) if any(item.read for item in quiz.items) else ""
    style = "".join(f"#{uid}{selector}{{{rule}}}" for selector, rule in RULES.items())
    style += SCRIPTED.replace("UID", f"#{uid}")
    return (
        f'<div id="{uid}" class="da-quiz" role="group" aria-labelledby="{uid}-title"><style>{style}</style>'
        f'<p><strong id="{uid}-title">{_text(quiz.title)}</strong></p>{items}{_foot(quiz)}'
        f"<ol data-part=reading hidden>{reading}</ol>"
        f'<script>{script}(document.getElementById("{uid}"), {str(quiz.is_test).lower()});</script></div>'
    )


def page_label(name: str) -> str:
    """Return what a page is called: "course/02_measuring" is "Lesson 2, measuring"."""
    folder, _, stem = name.rpartition("/")
    number, _, topic = stem.partition("_")
    kind = "Lesson" if folder.endswith("course") else "Chapter"
    words = topic.replace("_", " ")
    return f"{kind} {int(number)}, {words}" if number.isdigit() else stem.replace("_", " ")


def shuffled(quiz: Quiz, number: int) -> list[Option]:
    """Return an item's options in an order that the quiz's name decides."""
    return sorted(quiz.items[number].options, key=lambda option: _hash(f"{quiz.name}/{number}/{option.text}"))


def _item(quiz: Quiz, uid: str, number: int) -> str:
    options = shuffled(quiz, number)
    group = f"{uid}-{number}"
    choices = "".join(
        f'<label for="{group}-{place}"><input type="radio" id="{group}-{place}" name="{group}" value="{place}">'
        f"<span>{_text(option.text)}</span></label>"
        for place, option in enumerate(options)
    )
    live = "" if quiz.is_test else ' role="status"'  # a test tells its score alone: ten voices at once say nothing
    check = "" if quiz.is_test else f'<button type="button" data-part="check" hidden>Check item {number + 1}</button>'
    return (
        f'<fieldset data-part="item"><legend>{number + 1}. {_text(quiz.items[number].question)}</legend>'
        f"<div>{choices}</div>{check}<div{live} data-part=said></div>{_details(options, number)}</fieldset>"
    )


def _details(options: list[Option], number: int) -> str:
    """Say what belongs to each option: for readers without scripts, and the text that the script quotes."""
    rows = "".join(
        f"<li{' data-right' if option.right else ''}>{'✓' if option.right else '✗'} <b>{_text(option.text)}</b>: "
        f"<span>{_text(option.feedback)}</span></li>"
        for option in options
    )
    return f"<details><summary>What each option of item {number + 1} says</summary><ul>{rows}</ul></details>"


def _foot(quiz: Quiz) -> str:
    button = '<button type="button" data-part="score" hidden>Show my score</button>' if quiz.is_test else ""
    return f'{button}<div role="status" data-part="total"></div>'


def _reading(item: Item, address: Callable[[str], str] | None) -> str:
    label = escape(page_label(item.read))
    link = f'<a href="{escape(address(item.read))}">{label}</a>' if address and item.read else label
    return f"<li>{link}</li>"


def _text(plain: str) -> str:
    """Escape a text; what stands between backticks is code."""
    return CODE.sub(r"<code>\1</code>", escape(plain))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
