"""Quiz of lesson 3: splits, intervals, paired differences, many comparisons, averages."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

QUIZZES = [
    Quiz(
        "l3",
        "Is it better, or was it lucky?",
        (
            Item(
                "Two methods, same questions. Their 95 % intervals overlap. What follows for the difference?",
                (
                    Option(
                        "There is none.",
                        "Overlap is no test. Much of what makes each interval wide is the same hard questions in both.",
                    ),
                    Option(
                        "It is too small to matter.",
                        "How large a difference is and how sure we are of it are two things; the overlap tells "
                        "neither.",
                    ),
                    Option(
                        "Nothing yet: look at the interval of the difference itself.",
                        "Right: question by question, the shared noise cancels.",
                        right=True,
                    ),
                    Option(
                        "There is one if the overlap is less than half.",
                        "There is such a rule of thumb for independent groups. These are the same questions.",
                    ),
                ),
            ),
            Item(
                "A temperature is fitted with labels on 20 questions and judged on the same 20. The result is",
                (
                    Option(
                        "fine: one parameter cannot overfit.",
                        "One parameter overfits little, but with 20 questions it fits their luck as well.",
                    ),
                    Option(
                        "too good on average.", "Right: it is the best temperature for just these answers.", right=True
                    ),
                    Option(
                        "too bad on average, because 20 questions are few.",
                        "Few questions make the result vary. That it was chosen on them makes it flattering.",
                    ),
                ),
            ),
            Item(
                "Why does one mirror the percentiles of a bootstrap for an ECE?",
                (
                    Option(
                        "To keep the interval positive.", "Mirroring may even push it below zero, where it is cut off."
                    ),
                    Option(
                        "Because each resample carries extra noise, and noise makes an ECE larger.",
                        "Right: the resamples lie too high by about as much as the measured value itself does.",
                        right=True,
                    ),
                    Option(
                        "Because the ECE is symmetric.",
                        "It is not: it cannot be negative. That is where the trouble comes from.",
                    ),
                    Option("Because a mirrored interval is narrower.", "It has exactly the same width."),
                ),
            ),
            Item(
                "You test one method against 20 rivals that are all equally good, each at the 5 % level. How many "
                "'significant' results do you expect?",
                (
                    Option("None: they are equal.", "Each test errs in 5 % of cases, by construction."),
                    Option(
                        "About one.",
                        "Right: 20 times 0.05. The chance of at least one is about 64 %, if they were independent.",
                        right=True,
                    ),
                    Option("Five.", "You may have read 5 % as a count. It is a share of 20 tests."),
                ),
            ),
            Item(
                "Table A averages the ECE of 57 subjects; table B pools their questions first. A shows 0.25, B 0.15, "
                "for the same model. Who is wrong?",
                (
                    Option(
                        "A: averaging inflates.",
                        "Both follow a recipe. A answers another question, with much more noise in it; it must say so.",
                    ),
                    Option(
                        "B: pooling hides errors that cancel between subjects.",
                        "It can. But most of the difference here is what a perfect model would show, too.",
                    ),
                    Option(
                        "Neither; without their noise floors they cannot be compared.",
                        "Right: the average of small sets keeps the floor of the small sets.",
                        right=True,
                    ),
                ),
            ),
        ),
    )
]
