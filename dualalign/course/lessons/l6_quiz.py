"""Quiz of lesson 6, Dual-Align."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

ITEMS = (
    Item(
        "The PLM believes (.7, .2, .1), the PoLM (.1, .2, .7). What does the process loss at this layer say?",
        (
            Option(
                "It is large, because the models disagree.",
                "You have the divergence in mind. The process loss compares how decided they are, not for what.",
            ),
            Option(
                "It is zero: they are equally decided.",
                "The same three numbers in another order have the same entropy.",
                right=True,
            ),
            Option(
                "It cannot be computed where the answers differ.",
                "It is made for just that case: an entropy needs no common answer.",
            ),
        ),
    ),
    Item(
        "At T = 1 the PoLM's stability entropy is .4 nats and the PLM's is 1.0. Somebody divides the logits of both "
        "models by 3 and finds 1.1 and 1.3. 'The gap is smaller, so 3 is better than 1.' What is wrong?",
        (
            Option(
                "Nothing: both were treated alike.",
                "It sounds fair, but at a very large temperature all entropies are alike, and nothing was learned.",
            ),
            Option(
                "The PLM is the reference and keeps temperature 1: the gap to compare is 1.1 against 1.0.",
                "Only the PoLM is heated. By that measure T = 3 is close, and it overshoots a little.",
                right=True,
            ),
            Option(
                "Entropies must be compared in bits.",
                "Another base multiplies both entropies by the same number. The comparison has a fault of its own.",
            ),
        ),
    ),
    Item(
        "After a fit the process loss is nearly zero on every question. What follows?",
        (
            Option(
                "The PoLM is calibrated.",
                "You hold the PoLM against the PLM. Calibration holds it against how often its own answers are right.",
            ),
            Option(
                "The PoLM is calibrated if the PLM is.",
                "Nearly, but the two models can be right on different numbers of questions.",
            ),
            Option(
                "The PoLM is about as decided as the PLM from the peak layer on.",
                "That is all that the loss compares. The rest depends on the PLM and on both accuracies.",
                right=True,
            ),
            Option(
                "The two models now give the same answers.",
                "A temperature changes no answer, and an entropy does not look at them.",
            ),
        ),
    ),
    Item(
        "Where is Dual-Align's weight w near one?",
        (
            Option(
                "Where the two models end close together, so that the answer's confidence is aligned.",
                "There the PLM's belief is about the same answer, and w gives the confidence loss its full say.",
                right=True,
            ),
            Option(
                "Where they end far apart, because most has to be corrected there.",
                "You read w as the need for correction. It says how much the PLM's belief is about this answer.",
            ),
            Option(
                "Wherever the two answers are the same.",
                "Mostly, but the same answer with .4 and .99 has a clear divergence. The weight shades.",
            ),
        ),
    ),
    Item(
        "Of 700 readings of a method, the best on the test set beats the default by .07. What would you report?",
        (
            Option(
                "The best reading, with its interval on the test set.",
                "The interval does not know that 700 were tried. The best of many is always a little lucky.",
            ),
            Option(
                "The mean over the readings, since no single one can be justified.",
                "Nobody would use a mean of readings. One can be justified: the one fixed before the test.",
            ),
            Option(
                "The default, and what a reading chosen on other sets keeps of the gain.",
                "What was fixed before the test is a fair result, and the second number measures the optimism.",
                right=True,
            ),
        ),
    ),
)
QUIZZES = [Quiz("l6", "Lesson 6: Dual-Align", ITEMS)]
