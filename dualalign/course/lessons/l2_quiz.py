"""Quiz of lesson 2: reliability, ECE, noise floor."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

QUIZZES = [
    Quiz(
        "l2",
        "How well does it keep its promises?",
        (
            Item(
                "A dot of a reliability diagram lies below the diagonal, at confidence 0.8. What does it say?",
                (
                    Option(
                        "The helper is too unsure there.",
                        "You read the diagonal the other way. Below it the accuracy is smaller than the confidence.",
                    ),
                    Option(
                        "The helper is too sure there, if the bin holds enough answers.",
                        "Right: the accuracy is below what is promised, and the number of answers says how much of "
                        "that may be luck.",
                        right=True,
                    ),
                    Option(
                        "The helper is wrong on those questions.",
                        "The height of the dot is the share of right answers in the bin; it can be far above zero and "
                        "still below the diagonal.",
                    ),
                    Option(
                        "The helper is less accurate there than elsewhere.",
                        "The diagonal compares accuracy with confidence in the same bin, not with other bins.",
                    ),
                ),
            ),
            Item(
                "Two papers report ECE 0.04: one from 100 questions, one from 10,000, same bins. Which model is "
                "better calibrated?",
                (
                    Option(
                        "They are equal: 0.04 is 0.04.",
                        "On 100 questions a perfect model shows about as much or more; on 10,000 it shows far less. "
                        "The same number means different things.",
                    ),
                    Option(
                        "Probably the one with 100 questions: noise alone may give it 0.04.",
                        "Right: subtract what a perfect model would show. Then little or nothing is left of the first.",
                        right=True,
                    ),
                    Option(
                        "Probably the one with 10,000: more data make a better model.",
                        "These are test questions. They sharpen the measurement, not the model.",
                    ),
                ),
            ),
            Item(
                "What happens to the noise floor when you use 50 bins instead of 10 on the same answers?",
                (
                    Option(
                        "It falls: finer bins measure better.",
                        "Finer bins hold fewer answers, and the share of a few answers is further from its "
                        "expectation.",
                    ),
                    Option(
                        "It rises.", "Right: the same noise is averaged out over fewer answers in each bin.", right=True
                    ),
                    Option(
                        "It stays: the answers are the same.",
                        "The answers are, but the absolute value is taken bin by bin, and small bins have large gaps.",
                    ),
                ),
            ),
            Item(
                "A helper shows 49 % at every question and is right on 49 % of them. Its ECE is 0. What is it good "
                "for?",
                (
                    Option(
                        "Everything: ECE 0 is the goal.",
                        "It cannot tell a pupil which answers to doubt. Calibration is a promise kept, not knowledge.",
                    ),
                    Option(
                        "It keeps its promise and tells no answer from another.",
                        "Right: that is why an order score such as AUROC, or the Brier score, stands beside the ECE.",
                        right=True,
                    ),
                    Option(
                        "Nothing: a constant cannot be calibrated.",
                        "It is calibrated: of the answers shown at 49 %, 49 % are right.",
                    ),
                ),
            ),
            Item(
                "Why is the mean of |confidence − right or wrong| over single answers no measure of calibration?",
                (
                    Option("Because it needs labels.", "So does every calibration error on this page."),
                    Option(
                        "Because it is large even where every promise is kept.",
                        "Right: at confidence 0.7 a single answer is 0.3 or 0.7 away, always.",
                        right=True,
                    ),
                    Option("Because it may be negative.", "Absolute values are never negative."),
                    Option(
                        "Because it forgets the sizes of bins.",
                        "There are no bins in it. The fault is that single answers are 0 or 1.",
                    ),
                ),
            ),
        ),
    )
]
