"""Quiz of lesson 5, Aligning with the PLM."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

ITEMS = (
    Item(
        "The temperature of the least KL(PLM || PoLM) on one question has been found. What is equal there?",
        (
            Option(
                "The two confidences in the PoLM's answer.",
                "You expect the loss to mend what you look at. Its slope compares means of logits, over all options.",
            ),
            Option(
                "What the two beliefs expect of the PoLM's logits.",
                "The slope in 1/T is the difference of these two means, and at the optimum it is zero.",
                right=True,
            ),
            Option(
                "The entropies of the two beliefs.",
                "Equal entropies belong to another loss, that of lesson 6. It does not look at the options at all.",
            ),
            Option(
                "The two beliefs themselves.",
                "One number cannot set several free probabilities. The divergence is least there, and rarely zero.",
            ),
        ),
    ),
    Item(
        "A PoLM gives .98 to A and .01 each to B and C. Its PLM gives .5 to A, .4 to B and .1 to C. "
        "Which divergence is the larger one, and why?",
        (
            Option(
                "KL(PLM || PoLM): the PLM expects B often, and the PoLM nearly rules it out.",
                "The term .4 ln(.4 / .01) alone is about 1.5 nats. With the PoLM first, B hardly gets a weight.",
                right=True,
            ),
            Option(
                "KL(PoLM || PLM): the PoLM is far too sure of A.",
                "You look at the largest belief. With the PoLM first the term of A is .98 ln(.98 / .5), about .66.",
            ),
            Option(
                "They are equal: the two beliefs are as far apart either way.",
                "You treat a divergence like a length. The first belief takes the average, so the order counts.",
            ),
        ),
    ),
    Item(
        "On question 1 alone the best temperature is 2, on question 2 alone it is 8. What is it for the mean loss?",
        (
            Option(
                "5, the mean of the two.",
                "You average the answers. Averaged is the loss, and the steeper valley pulls harder.",
            ),
            Option(
                "4, the geometric mean, since temperatures are ratios.",
                "A log scale is a good habit for temperatures, but the loss knows nothing of it.",
            ),
            Option(
                "Somewhere between 2 and 8, nearer to the question with the steeper slopes.",
                "At 2 one slope is zero, at 8 the other is. Between them they cancel where the pulls are equal.",
                right=True,
            ),
            Option(
                "8, since the higher temperature has to cover both.",
                "You treat temperatures as demands to be met. The mean loss trades one question off against the other.",
            ),
        ),
    ),
    Item(
        "Four options. The PLM gives the PoLM's favourite 20 %. Does this question have a finite best temperature?",
        (
            Option(
                "No, because 20 % is less than 1/4.",
                "That rule is right for two options. With four the PLM may like the PoLM's second choice well enough.",
            ),
            Option(
                "Yes, because every option has some probability.",
                "You know that the loss rises in the end. It may rise from the start, at an infinite temperature.",
            ),
            Option(
                "It depends on what the PLM's belief expects of all four logits.",
                "It is finite exactly if that mean exceeds the plain mean of the logits.",
                right=True,
            ),
        ),
    ),
    Item(
        "Why does DACA drop the questions on which the two models disagree?",
        (
            Option(
                "Because the PoLM is wrong on them.",
                "Nobody can know that without labels. On ARC-Easy both are right about equally often there.",
            ),
            Option(
                "Because the PLM's belief in its own answer says little about how sure to be of another one.",
                "That is the argument. How over-confident the PoLM is on those questions is left out with them.",
                right=True,
            ),
            Option(
                "Because the PLM is not calibrated on them.",
                "It may not be, but that cannot be seen without labels, and it is not the reason given.",
            ),
            Option(
                "Because the loss has no finite optimum there.",
                "Some of them have none, most do. A mean over many questions would bear the few that have none.",
            ),
        ),
    ),
)
QUIZZES = [Quiz("l5", "Lesson 5: aligning", ITEMS)]
