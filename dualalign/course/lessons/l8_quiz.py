"""Quiz of lesson 8, What a good confidence is worth."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

ITEMS = (
    Item(
        "A wrong answer costs 1, silence .4. A calibrated helper is right on 55 % of all questions and 65 % sure of "
        "this one. Should it answer?",
        (
            Option(
                "No: on the whole it is right on too few questions.",
                "You use an average over other questions. This one has a chance of its own.",
            ),
            Option(
                "Yes: it is more likely right than wrong.",
                "The conclusion is right, the reason is not: at a price of .2 it would still be more likely right.",
            ),
            Option(
                "Yes: an error is expected to cost .35, less than silence.",
                "Compare one less the confidence with the price. Nothing else enters.",
                right=True,
            ),
            Option(
                "No: .65 is too far from certain for an error that costs 1.",
                "The threshold is one less the price, .6, and .65 is above it.",
            ),
        ),
    ),
    Item(
        "Of 200 questions a helper answers the 50 of which it is surest, and gets 10 of these wrong. What is its risk?",
        (
            Option("75 %", "That is the share left unanswered, one less the coverage. It holds no error at all."),
            Option("5 %", "You divided by all questions. The risk is a share of the answers that were given."),
            Option("20 %", "Ten wrong answers among fifty given; the coverage is 25 %.", right=True),
        ),
    ),
    Item(
        "What does one temperature for all questions change?",
        (
            Option(
                "Mostly the place where a threshold cuts, hardly the order of the questions.",
                "With two options the order does not change at all, with more a little.",
                right=True,
            ),
            Option(
                "The order of the questions, and so the risk at a given coverage.",
                "The risk-coverage curves of all temperatures run nearly together. Another order needs another source.",
            ),
            Option(
                "The accuracy at full coverage.",
                "No answer changes, so neither does the share that is right.",
            ),
        ),
    ),
    Item(
        "Why does the top-label Brier score say more about decisions than an ECE?",
        (
            Option(
                "It needs no bins, so it has no noise.",
                "It has no bins, and noise all the same. The reason is what it measures.",
            ),
            Option(
                "Averaged over all prices, the cost is half of it plus half the error rate.",
                "So for the same answers a lower Brier score means cheaper decisions. An ECE has no such link.",
                right=True,
            ),
            Option(
                "It punishes over-confidence more than under-confidence.",
                "It is symmetric in the distance from the outcome. That is not what sets the two apart.",
            ),
        ),
    ),
    Item(
        "Seven methods were compared on a validation split. Which number belongs in the report?",
        (
            Option(
                "The smallest test error among the seven.",
                "That would choose after looking. The best of seven is always a little lucky.",
            ),
            Option(
                "The test error of the method that was best on validation.",
                "Chosen on one split, judged on another: this number did not help to choose.",
                right=True,
            ),
            Option(
                "The validation error of the best method.",
                "It helped to choose, so it is too small on average.",
            ),
        ),
    ),
    Item(
        "Mira has a PLM, a PoLM, a thousand questions and thirty labels. What should come first?",
        (
            Option(
                "Fit the method with the smallest mean error in the book.",
                "That order depends on what the PLM is, and her PLM need not be like the book's.",
            ),
            Option(
                "Look what the PLM is on these questions: does it know anything, does it boast?",
                "Everything label-free rests on it. Thirty labels tell little, but they tell the worst cases.",
                right=True,
            ),
            Option(
                "Fit all methods and keep the one with the smallest ECE on the thirty.",
                "On thirty questions the noise floor is larger than most differences between methods.",
            ),
        ),
    ),
)
QUIZZES = [Quiz("l8", "Lesson 8: using it", ITEMS)]
