"""Quiz of lesson 7, The premise."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

ITEMS = (
    Item(
        "A PoLM was aligned with its PLM so well that their mean confidences are equal. Is the PoLM calibrated?",
        (
            Option(
                "Yes, that is what alignment is for.",
                "Alignment is with the PLM. Whether the PLM's confidence is right was never asked.",
            ),
            Option(
                "Yes, if the PLM answers more questions rightly than the PoLM.",
                "You take accuracy for calibration. A more accurate teacher may boast all the more.",
            ),
            Option(
                "Only if that confidence happens to be how often the PoLM is right.",
                "Equal confidences hand on the number. Its truth depends on the PoLM's own answers.",
                right=True,
            ),
        ),
    ),
    Item(
        "Two PLMs on four-option questions. A: accuracy 26 %, ECE at its noise floor. B: accuracy 60 %, mean "
        "confidence 85 %. Which of them meets the premise?",
        (
            Option(
                "A, because it is calibrated.",
                "It is calibrated because it says nothing. A PoLM aligned with it will say nothing, too.",
            ),
            Option(
                "B, because it knows something.",
                "It claims 85 % and is right on 60 %. A PoLM aligned with it learns to boast.",
            ),
            Option(
                "Neither: A knows too little and B claims too much.",
                "The premise asks for both: knowledge, and a confidence that fits it.",
                right=True,
            ),
            Option(
                "Both: A by its calibration and B by its knowledge.",
                "Each has one half of it. The two halves are needed in the same model.",
            ),
        ),
    ),
    Item(
        "The PLM's logits are doubled. Why does align-all follow less than DACA?",
        (
            Option(
                "Disagreements pull weakly or backward: the PLM grows surer of an option that the PoLM likes less.",
                "The pull of a question is the covariance of the two models' logits under the PLM's belief.",
                right=True,
            ),
            Option(
                "It averages over more questions, so each change counts less.",
                "An average over more questions is not smaller, if all of them change alike.",
            ),
            Option(
                "Its temperature is higher, and high temperatures move slowly.",
                "The level of a temperature does not say what happens to it. Look at what each question contributes.",
            ),
        ),
    ),
    Item(
        "In a world with known truth the PLM's belief is exact on every question, and post-training taught the "
        "PoLM something false on some. Which method finds the true temperature?",
        (
            Option(
                "DACA, because it drops the questions on which the PoLM went astray.",
                "Those questions show how over-confident the PoLM is. Without them it stays so.",
            ),
            Option(
                "Align-all: its loss is then the expected log loss, up to a constant.",
                "With an exact belief the two losses differ by a term without the temperature in it.",
                right=True,
            ),
            Option(
                "None: a PoLM that learned something false cannot be calibrated.",
                "Its answers stay false, but its confidence can be made right on average, and the best one is defined.",
            ),
        ),
    ),
    Item(
        "Over all settings of the book align-all has the lowest mean error without labels. What would you conclude?",
        (
            Option(
                "It is the best label-free method and should be used.",
                "A mean over settings hides where the lead comes from: mostly over-confident PLMs.",
            ),
            Option(
                "Its modesty and the boasting of most of these PLMs cancel in part.",
                "Beside a calibrated PLM it ends too modest. The lead says as much of the PLMs as of the method.",
                right=True,
            ),
            Option(
                "Nothing: on so many settings every difference is chance.",
                "A single lead may be chance. But the gaps say beforehand which way it goes, and that explains more.",
            ),
        ),
    ),
)
QUIZZES = [Quiz("l7", "Lesson 7: the premise", ITEMS)]
