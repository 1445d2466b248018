"""The post-test: the ten ideas of the pre-test once more, in the same order, in another dress."""

from __future__ import annotations

from dataclasses import replace

from dualalign.course.lessons.pretest import READ
from dualalign.course.quiz import Item, Option, Quiz

TEMPERATURE = Item(
    "A model says 97 % too often. From now on its logits are divided by T = 3. Which of its results can change?",
    (
        Option(
            "How sure it is, but none of its answers.",
            "A positive factor keeps the order of the logits and changes the gaps between them.",
            right=True,
        ),
        Option(
            "How sure it is, and now and then an answer.",
            "You expect close options to change places. Divided by the same number, the larger logit stays the larger.",
        ),
        Option(
            "Nothing: the softmax only looks at which logits are larger.",
            "You have adding a constant in mind, which the softmax does not see. A factor it does see.",
        ),
        Option(
            "Each confidence falls to a third.",
            "You divide the probabilities. The softmax comes after the division, and its values sum to one.",
        ),
    ),
)

CALIBRATED = Item(
    "A is right on 60 % of the questions and always says 60 %. B says 95 % on half of them and 25 % on the other half, "
    "and is right on 95 % and on 25 % of these. Which one is calibrated?",
    (
        Option(
            "Only A: it says its accuracy.",
            "You compare one mean with one accuracy. B keeps each of its promises as well.",
        ),
        Option(
            "Only B: it knows its good answers from its bad ones.",
            "That is sharpness, a virtue of its own. A promises 60 % and delivers 60 %.",
        ),
        Option(
            "Both, and B says more.",
            "Each stated confidence is the share that is right. Calibration alone does not tell A from B.",
            right=True,
        ),
        Option(
            "Neither: both are wrong on 40 % of the questions.",
            "You take calibration for accuracy. A model that knows how often it errs may err often.",
        ),
    ),
)

NOISE = Item(
    "On 80 questions a method shows an ECE of .07. A perfectly calibrated model with the same confidences would show "
    "about .07 as well. What can be said?",
    (
        Option(
            "Its true error is about .07.",
            "You take the measured number at face value. Chance alone puts that much into it.",
        ),
        Option(
            "So few questions do not tell it from a calibrated one.",
            "Its measured error is what chance alone produces. It may still have a true error of a few points.",
            right=True,
        ),
        Option(
            "It is perfectly calibrated, for .07 less .07 is nothing.",
            "You take no evidence of an error for evidence of none. A true error of .03 would hardly show here.",
        ),
    ),
)

PAIRED = Item(
    "On the same questions A has an ECE of .041 (95 % interval .02 to .06) and B of .055 (.035 to .075). "
    "What would you compute to learn whether A is better?",
    (
        Option(
            "Whether B's value lies outside A's interval.",
            "You treat B's value as if it had no noise, and A's as if it shared none of it.",
        ),
        Option(
            "Both errors on different halves of the questions, so that they are independent.",
            "Independence is what hurts here: with the same questions the common noise cancels.",
        ),
        Option(
            "Nothing more: .041 is less than .055.",
            "Less on these questions. Another sample of them may turn it round.",
        ),
        Option(
            "The difference of the two on resampled questions, and its interval.",
            "Both answer the same resampled questions, so a hard sample raises both and drops out of the difference.",
            right=True,
        ),
    ),
)

ENTROPY = Item(
    "From one layer to the next a model's entropy stays as it was, while its divergence from the other model jumps. "
    "The other model's belief did not move. Is that possible?",
    (
        Option(
            "Yes: it may now be just as sure of another option.",
            "Entropy is blind to which option is favoured, divergence is not.",
            right=True,
        ),
        Option(
            "No: a belief with the same entropy is the same belief.",
            "Exchange the first two of (.7, .2, .1): the entropy stays, and the answer does not.",
        ),
        Option(
            "Only if the two entropies are taken at different temperatures.",
            "That would be a reason to distrust a comparison of entropies. It is not needed here.",
        ),
    ),
)

KL = Item(
    "Two options: p = (.5, .5) and q = (1, 0). Which is true?",
    (
        Option(
            "KL(q || p) is infinite, and KL(p || q) is ln 2.",
            "This is the wrong way round. The first belief weights the terms; q gives the second option no weight.",
        ),
        Option(
            "KL(p || q) is infinite, and KL(q || p) is ln 2.",
            "p expects the second option half of the time, and q rules it out: p log(p/q) has no bound.",
            right=True,
        ),
        Option(
            "Both are ln 2.",
            "A divergence is no distance: it matters who of the two rules something out.",
        ),
    ),
)

DISAGREEMENT = Item(
    "A PLM is right on 55 % of the questions, its PoLM on 60 %. They disagree on 30 %. Someone drops these before a "
    "fit, because the PoLM is wrong there. What is wrong with the reason?",
    (
        Option(
            "Nothing: the PLM is the calibrated one.",
            "You take calibrated for right. Where the two differ, these numbers say the PoLM is right more often.",
        ),
        Option(
            "Where they agree they are right or wrong together, so here the PoLM wins more often than the PLM.",
            "The five points between them come from the disagreements. There may be other reasons to drop these.",
            right=True,
        ),
        Option(
            "The PoLM is right there, so the other questions should be dropped.",
            "It is right more often there than the PLM, and may still be wrong on most of them.",
        ),
        Option(
            "Both are wrong there, so those questions say nothing.",
            "If both were wrong on all of them, their accuracies would be the same.",
        ),
    ),
)

TEACHER = Item(
    "A PLM says 90 % on average and is right on 50 %. Its PoLM says 99 % and is right on 50 %. "
    "Aligned with the PLM, the PoLM now says 90 % on average. What has become of its error?",
    (
        Option(
            "It is about zero, since the two models now match.",
            "You measure the PoLM against the teacher. The error is measured against how often it is right.",
        ),
        Option(
            "It has grown, since the teacher is wrong.",
            "A bad teacher may boast less than the pupil: from 99 % to 90 % is a step in the right direction.",
        ),
        Option(
            "It has fallen a little, to about that of the PLM.",
            "The gap was .49 and is .40 now. What is left is inherited, and no better fit would remove it.",
            right=True,
        ),
    ),
)

PROPER = Item(
    "Two calibrators for the same answers: A has ECE .02 and Brier score .24, B has ECE .04 and Brier score .18. "
    "Users with very different prices for silence act on the confidence. Which one serves them better?",
    (
        Option(
            "A: its promises are off by less.",
            "A constant can have the smallest ECE of all, and helps nobody to tell one answer from another.",
        ),
        Option(
            "B: over all prices the cost falls with the Brier score.",
            "Averaged over every price from 0 to 1, the cost is half the Brier score plus half the error rate.",
            right=True,
        ),
        Option(
            "Either: the answers are the same.",
            "The answers are, but which of them are given and which withheld depends on the confidence.",
        ),
    ),
)

DECISION = Item(
    "A wrong answer costs 10 euros, asking a person costs 2, a right answer nothing. "
    "From which confidence on should a calibrated model answer by itself?",
    (
        Option(
            ".9, since a mistake costs 10.",
            "You look at the mistake alone. The price of asking belongs to it: compare 10 (1 - p) with 2.",
        ),
        Option(
            ".5, since it is then more likely right than wrong.",
            "That would be the rule if asking cost 5, half as much as a mistake.",
        ),
        Option(
            ".2, the price of asking over that of a mistake.",
            "That is how likely a mistake may be, and confidence is the other side of it.",
        ),
        Option(
            ".8, where a mistake is expected to cost as much as asking.",
            "10 (1 - p) is less than 2 exactly where p is above .8.",
            right=True,
        ),
    ),
)

ITEMS = (TEMPERATURE, CALIBRATED, NOISE, PAIRED, ENTROPY, KL, DISAGREEMENT, TEACHER, PROPER, DECISION)
QUIZZES = [
    Quiz("post", "After the course", tuple(replace(i, read=page) for i, page in zip(ITEMS, READ.values(), strict=True)))
]
