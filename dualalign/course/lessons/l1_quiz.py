"""Quiz of lesson 1: logits, confidence, temperature."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

QUIZZES = [
    Quiz(
        "l1",
        "How sure is a model?",
        (
            Item(
                "A bug adds 10 to every logit of a question. What does it do to the confidence?",
                (
                    Option(
                        "It rises: larger logits make a surer model.",
                        "You think of multiplying. Adding the same number to all of them multiplies every weight by "
                        "the same factor, and that cancels.",
                    ),
                    Option("Nothing.", "Right: only differences of logits count.", right=True),
                    Option(
                        "It falls: 10 is added to the rivals too, and there are more of them.",
                        "Every option's weight grows by the factor exp(10), however many there are; the shares stay.",
                    ),
                ),
            ),
            Item(
                "A two-option question has confidence 0.9. You divide its logits by T = 2. The new confidence is",
                (
                    Option("0.45", "You divided the probability by T. Two options would then sum to 0.5."),
                    Option("0.70", "You went half of the way to 0.5. It is the logarithm of the odds that is halved."),
                    Option(
                        "0.75",
                        "Right: the odds go from 9 to the square root of 9, which is 3, and 3 : 1 is 0.75.",
                        right=True,
                    ),
                    Option(
                        "0.90", "You may have divided the probabilities and made them sum to 1 again: then T cancels."
                    ),
                ),
            ),
            Item(
                "At T = 100 four probabilities are 0.2501, 0.2500, 0.2500, 0.2499. What became of the accuracy?",
                (
                    Option(
                        "It fell to about 25 %, because it now guesses.",
                        "Flat is not random. The largest probability is still the largest, so the answer is the same.",
                    ),
                    Option(
                        "It is what it was at T = 1.",
                        "Right: a positive number keeps the order of the options, so every prediction stays.",
                        right=True,
                    ),
                    Option(
                        "It rose, because over-confident mistakes are gone.",
                        "The mistakes are still made. They are only announced with less confidence.",
                    ),
                ),
            ),
            Item(
                "Mean confidence 0.79, accuracy 0.48. With your T, the mean confidence is 0.48. What do you know?",
                (
                    Option(
                        "The helper is calibrated.",
                        "Only on average over all questions. It may be too sure on one half and too unsure on the "
                        "other; lesson 2 measures that.",
                    ),
                    Option(
                        "The mean is right; whether 60 % means 60 % is still open.",
                        "Right: one number was matched, one number is known.",
                        right=True,
                    ),
                    Option("The accuracy rose as the confidence fell.", "No answer changed, so no accuracy changed."),
                    Option(
                        "The helper now knows which answers are wrong.",
                        "One number for all questions brings no new knowledge about any of them.",
                    ),
                ),
            ),
            Item(
                "The right answer is not among the options. The helper shows 97 %. What is this number?",
                (
                    Option(
                        "A proof that the model is broken.",
                        "A softmax over the listed options must sum to 1 even where all of them are wrong.",
                    ),
                    Option(
                        "Its share among the options listed, nothing more.",
                        "Right: the softmax never sees what is not listed.",
                        right=True,
                    ),
                    Option(
                        "The probability that the option is true.",
                        "That is what one hopes it means. It would have to leave something over for 'none of these'.",
                    ),
                ),
            ),
        ),
    )
]
