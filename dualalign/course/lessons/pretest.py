"""The pre-test: ten ideas of the course, before it. Item i of the post-test asks the same idea in another dress."""

from __future__ import annotations

from dataclasses import replace

from dualalign.course.quiz import Item, Option, Quiz

TEMPERATURE = Item(
    "A model's logits for three options are 4, 2 and 1. All three are divided by 2 before the softmax. What happens?",
    (
        Option(
            "Every probability is halved.",
            "You divide the probabilities. The division comes before the softmax, whose values sum to one again.",
        ),
        Option(
            "The favourite stays, with a larger probability.",
            "You take a temperature for a gain. Dividing shrinks the gaps between logits: the softmax gets flatter.",
        ),
        Option(
            "The favourite stays, with a smaller probability.",
            "The order of the logits stays and the gaps shrink, so the same answer is given with less confidence.",
            right=True,
        ),
        Option(
            "Another option may become the favourite.",
            "You expect a rescaling to reorder. A positive factor keeps the order of the logits.",
        ),
    ),
)

CALIBRATED = Item(
    "A model says 80 % on 200 questions and is right on 160 of them. You look at one that it got wrong. What follows?",
    (
        Option(
            "It was over-confident on that question.",
            "You hold a promise about many against one outcome. Of the answers at 80 %, one in five has to be wrong.",
        ),
        Option(
            "Nothing: 80 % is a promise about the group, and it is kept.",
            "Calibration compares a stated confidence with the share that is right among all answers with it.",
            right=True,
        ),
        Option(
            "Nothing: the model is calibrated whatever it says elsewhere.",
            "You take one level for all of them. What it says at 95 % has not been looked at yet.",
        ),
    ),
)

NOISE = Item(
    "A perfectly calibrated model answers 100 questions. Its ECE is measured with ten bins. What do you expect?",
    (
        Option(
            "Clearly more than zero.",
            "In each bin of about ten questions the share that is right misses its chance a little, in absolute value.",
            right=True,
        ),
        Option(
            "Zero, since it is perfectly calibrated.",
            "You take the measured error for the true one. A fair coin rarely falls on heads exactly half the time.",
        ),
        Option(
            "As often below zero as above it.",
            "You think of a signed error, in which chance cancels. An ECE adds up absolute differences.",
        ),
    ),
)

PAIRED = Item(
    "Two methods are judged on the same 400 questions. The 95 % intervals of their errors overlap. Do they differ?",
    (
        Option(
            "No: overlapping intervals mean that there is no difference.",
            "This rule is too strict where both share the questions: a hard sample raises both errors together.",
        ),
        Option(
            "Yes: on the same questions every difference counts.",
            "Shared questions take away some of the noise, not all of it. Other questions might turn the order round.",
        ),
        Option(
            "These intervals cannot say; the difference needs its own.",
            "On the same questions much of the noise cancels in the difference, so its interval can be far narrower.",
            right=True,
        ),
    ),
)

ENTROPY = Item(
    "On a question two models have beliefs of exactly the same entropy. What do you know about these beliefs?",
    (
        Option(
            "They give the same answer.",
            "You take being equally sure for being sure of the same. Entropy does not know which option is which.",
        ),
        Option(
            "They are equally decided, of the same option or of different ones.",
            "Entropy is a number about how spread a belief is. Exchange two options and it stays.",
            right=True,
        ),
        Option(
            "They are the same, so that their divergence is zero.",
            "Zero divergence means equal beliefs, and that implies equal entropies. It does not go the other way.",
        ),
    ),
)

KL = Item(
    "A belief q is fitted to a belief p by making KL(p || q) small. Which mistake of q costs most?",
    (
        Option(
            "It gives nearly nothing to an option that p holds likely.",
            "The log-ratio is weighted by p: where p is large and q tiny, p log(p/q) explodes.",
            right=True,
        ),
        Option(
            "It gives much to an option that p holds unlikely.",
            "You have KL(q || p) in mind. Here each term is weighted by p, so what p hardly believes hardly counts.",
        ),
        Option(
            "Both cost the same: it is a distance between p and q.",
            "A divergence is no distance. Exchange p and q and another number comes out.",
        ),
    ),
)

DISAGREEMENT = Item(
    "A pre-trained model and its post-trained version answer a question differently. What is certain, without a label?",
    (
        Option(
            "The post-trained one is wrong, because the pre-trained one is calibrated.",
            "You take calibrated for right. A calibrated model that says 40 % expects to be wrong most of the time.",
        ),
        Option(
            "The post-trained one is right, because it has learned more.",
            "Post-training may teach facts or falsehoods. The disagreement alone does not say which.",
        ),
        Option(
            "At least one of them is wrong.",
            "There is one right answer, so at most one of them has it. Perhaps neither has.",
            right=True,
        ),
        Option(
            "One of them is wrong and the other is right.",
            "With more than two options both can be wrong.",
        ),
    ),
)

TEACHER = Item(
    "Without labels, a model's confidences are fitted to those of a teacher. When will they be calibrated?",
    (
        Option(
            "When the fit is close enough.",
            "A close fit to a boastful teacher is a close copy of the boast.",
        ),
        Option(
            "When the teacher is right more often than the model.",
            "You take accuracy for calibration. A teacher may be right on 90 % of the questions and claim 99 %.",
        ),
        Option(
            "When the teacher's confidence is right for these answers to these questions.",
            "A fit hands on what the teacher says; whether that is true was decided before.",
            right=True,
        ),
    ),
)

PROPER = Item(
    "A model is right on 70 % of the questions and says 70 % about each of its answers. Which of these is true?",
    (
        Option(
            "Its ECE is near zero, and it cannot tell its right answers from its wrong ones.",
            "All answers fall into one bin, and it keeps its promise. About a single answer it says nothing.",
            right=True,
        ),
        Option(
            "Its ECE is near zero, so it knows when it is right.",
            "You read a small ECE as knowledge. It asks only whether the promises are kept on average.",
        ),
        Option(
            "Its ECE is large, because it says the same about every answer.",
            "You ask an ECE for sharpness. It does not see it: a constant that equals the accuracy has no error.",
        ),
    ),
)

DECISION = Item(
    "A wrong answer costs 5 points, no answer costs 1, a right one nothing. A calibrated model is 75 % sure. Answer?",
    (
        Option(
            "Yes: it is more likely right than wrong.",
            "That is the rule where silence costs half of a mistake. Here it costs a fifth.",
        ),
        Option(
            "No: answering costs 1.25 points on average.",
            "A quarter of 5 points is more than the single point that silence costs.",
            right=True,
        ),
        Option(
            "It depends on how often the model is right on the whole.",
            "The question at hand has its own chance, 75 %. The average over other questions does not enter.",
        ),
    ),
)

READ = {  # idea by idea, the page for whoever misses it
    "temperature": "course/01_confidence",
    "calibrated": "course/02_measuring",
    "noise": "course/02_measuring",
    "paired": "course/03_comparing",
    "entropy": "course/04_drift",
    "kl": "course/05_aligning",
    "disagreement": "course/06_dual_align",
    "teacher": "course/07_premise",
    "proper": "course/08_using",
    "decision": "course/08_using",
}
ITEMS = (TEMPERATURE, CALIBRATED, NOISE, PAIRED, ENTROPY, KL, DISAGREEMENT, TEACHER, PROPER, DECISION)
QUIZZES = [
    Quiz("pre", "Before the course", tuple(replace(i, read=page) for i, page in zip(ITEMS, READ.values(), strict=True)))
]
