"""The course's engine: forms of an answer, data of a student, verdicts, and an audit that finds planted faults."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign import course
from dualalign.course import Choice, Function, Number, Numbers
from dualalign.course.exercise import seed_of

HALVE = course.exercises()["halve"]
ANY_NAME = st.text(min_size=1, max_size=20).filter(lambda s: s.strip() != "")


@pytest.mark.parametrize(
    "form", [0.25, np.float32(0.25), np.array([[0.25]]), "0.25", "25 %", "1/4", Fraction(1, 4), [0.25]]
)
def test_a_number_in_every_form(form):
    number = Number(decimals=3)
    assert number.same(number.read(form), 0.25)


@pytest.mark.parametrize("form", ["a quarter", True, [0.1, 0.2], None.__class__, "1/0", {}, lambda: 0.25, []])
def test_what_is_no_number_is_refused_by_name(form):
    with pytest.raises(ValueError, match="one number is expected"):
        Number().read(form)


@given(st.floats(-1e3, 1e3), st.integers(0, 6))
def test_a_number_rounded_as_asked_is_right(x, decimals):
    number = Number(decimals)
    assert number.same(number.read(round(x, decimals)), x)
    assert not number.same(x + 2 * 10.0**-decimals, x)


def test_infinite_numbers_are_the_same_only_to_themselves():
    assert Number().same(math.inf, math.inf)
    assert not Number().same(math.inf, 1.0)
    assert not Number().same(1.0, -math.inf)
    assert not Number().same(math.nan, 1.0)


def test_arrays_keep_their_shape_but_for_single_axes():
    numbers = Numbers()
    assert numbers.same(numbers.read([[1, 2]]), numbers.read(np.array([1.0, 2.0])))
    assert not numbers.same(numbers.read([1, 2, 3]), numbers.read([1, 2]))
    assert not numbers.same(numbers.read([[1, 2], [3, 4]]), numbers.read([1, 2, 3, 4]))
    with pytest.raises(ValueError, match="array of numbers"):
        numbers.read(["a", "b"])


def test_choices_ignore_case_and_quotes():
    assert Choice().read(True) == Choice().read("Yes ") == "true"
    assert Choice(("DACA", "align-all")).read("'daca'") == "DACA"
    with pytest.raises(ValueError, match="one of true, false"):
        Choice().read("perhaps")


def test_functions_are_compared_on_their_values_and_may_raise():
    function = Function(cases=((np.array([1.0, 2.0]),), (np.array([0.0, 0.0]),)))
    mean = function.read(lambda x: x.mean())
    assert function.same(function.read(lambda x: sum(x) / len(x)), mean)
    assert not function.same(function.read(lambda x: x.max()), mean)
    assert not function.same(function.read(lambda x: 1 / 0), mean)
    with pytest.raises(ValueError, match="a function is expected"):
        function.read(3)


def test_a_function_cannot_change_the_cases():
    case = np.array([3.0, 1.0])
    Function(cases=((case,),)).read(lambda x: x.sort() or x)
    assert case.tolist() == [3.0, 1.0]


@given(ANY_NAME)
def test_a_student_has_the_same_data_in_any_writing_of_the_name(name):
    assert seed_of("halve", f" {name} ".upper().lower()) == seed_of("halve", name.upper().lower())
    assert vars(course.task("halve", name).given) == vars(course.task("halve", f"  {name}").given)


def test_data_are_the_same_on_every_machine():
    assert seed_of("halve", "ada") == 1583832966266312528
    assert seed_of("halve", "ada") != seed_of("halve", "bob")


@pytest.mark.parametrize("student", ["", "  ", None, 7])
def test_a_student_without_a_name_is_refused(student):
    with pytest.raises(ValueError, match="student"):
        course.task("halve", student)


def test_verdicts():
    task = course.task("ex-halve", "ada")
    right = task.temperature * task.factor
    assert "Right" in repr(task.check(right))
    assert "no answer yet" in task.check(...).message == task.check(None).message
    assert "another form" in task.check("a lot").message
    assert task.check(task.temperature / task.factor).misconception == "the factor cancels the other way"
    assert task.check(-1).message == HALVE.hint
    assert course.check("halve", right, "ada")


def test_what_a_task_gives_is_named():
    task = course.task("halve", "ada")
    assert {"temperature", "factor", "check"} <= set(dir(task))
    assert "temperature =" in repr(task)
    with pytest.raises(AttributeError, match="gives temperature, factor"):
        task.logits  # noqa: B018


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(ValueError, match=r"no such exercise; known: .*halve"):
        course.task("halv", "ada")
    with pytest.raises(ValueError, match="no such quiz"):
        course.quiz("none")


def test_every_exercise_keeps_its_promises():
    assert course.faults(course.exercises().values()) == []


def wrong(answer, hint="a hint that is long enough to help"):
    return course.Wrong("planted", answer, hint)


PLANTED = {
    "accepts the wrong answer|no task": replace(HALVE, wrong=(*HALVE.wrong, wrong(HALVE.solve))),
    "rejects right form 4": replace(HALVE, right=(*HALVE.right, lambda g: g.temperature - g.factor)),
    "2 documented wrong answers": replace(HALVE, wrong=HALVE.wrong[:2]),
    "1 right forms": replace(HALVE, right=HALVE.right[:1]),
    "a hint of its own": replace(HALVE, wrong=(*HALVE.wrong[:2], wrong(lambda g: -1.0, HALVE.wrong[0].hint))),
    "the same data": replace(HALVE, give=lambda rng: {"temperature": 2.0, "factor": 3.0}),
    "no task: KeyError": replace(HALVE, give=lambda rng: {}["x"]),
}


@pytest.mark.parametrize("expected", PLANTED)
def test_the_audit_finds_a_planted_fault(expected):
    found = course.faults([PLANTED[expected]])
    assert any(part in line for line in found for part in expected.split("|")), found


def test_the_audit_finds_a_checker_that_accepts_everything():
    class Lax(Number):
        def same(self, answer, other):
            return True

    assert course.faults([replace(HALVE, compare=Lax())])


def test_an_item_of_a_quiz_has_one_right_option_and_a_reason_for_each():
    options = tuple(course.Option(text, f"the reason for {text}", text == "b") for text in "abc")
    assert course.Item("which?", options)
    with pytest.raises(ValueError, match="2 of them right"):
        course.Item("which?", (*options, course.Option("d", "the reason for d", True)))
    with pytest.raises(ValueError, match="no feedback"):
        course.Item("which?", (*options, course.Option("d", "no")))
