"""Quiz of lesson 4: logit lens, entropy, divergence, peak layer, stability entropy."""

from __future__ import annotations

from dualalign.course.quiz import Item, Option, Quiz

QUIZZES = [
    Quiz(
        "l4",
        "Where do they part?",
        (
            Item(
                "The logit lens says 'B, 80 %' after layer 3 of 18. What is this 80 %?",
                (
                    Option(
                        "What the model believes at layer 3.",
                        "The model does not speak there. Its later layers may read the same vector quite differently.",
                    ),
                    Option(
                        "What the last norm and unembedding make of the stream at layer 3.",
                        "Right: a reading with the last layer's eyes, no belief of the model's own.",
                        right=True,
                    ),
                    Option(
                        "The probability that B will be the answer.",
                        "Nothing ties an early reading to the final answer; many turn over on the way.",
                    ),
                ),
            ),
            Item(
                "Two beliefs over three options: (1, 0, 0) and (0, 1, 0). Their Jensen-Shannon divergence is",
                (
                    Option(
                        "infinite, because one says 0 where the other says 1.",
                        "That is the KL divergence of one from the other. Here both are compared with their mean, "
                        "which is 0 nowhere that matters.",
                    ),
                    Option("log 2.", "Right: as large as it can be, in nats; 1 in bits.", right=True),
                    Option(
                        "1, as the largest divergence always is.", "In bits it is. In nats the largest value is log 2."
                    ),
                    Option(
                        "log 3, for three options.",
                        "log 3 bounds the entropy of one belief. The divergence of two beliefs is bounded by log 2, "
                        "however many options there are.",
                    ),
                ),
            ),
            Item(
                "Divergence by layer: 0.1, 0.5, 0.2, 0.3, 0.6. Which is the peak divergence layer (counted from 1)?",
                (
                    Option(
                        "5, where it is largest.",
                        "The peak is where the divergence changes most, not where it is largest.",
                    ),
                    Option(
                        "2.",
                        "Right: from 0.1 to 0.5 is the largest change, and it belongs to the layer it leads to.",
                        right=True,
                    ),
                    Option("1, where the largest change starts.", "The change from layer 1 to 2 belongs to layer 2."),
                    Option(
                        "3, where the models come together again.",
                        "That change is 0.3, smaller than the 0.4 before it. A fall would count if it were the "
                        "largest.",
                    ),
                ),
            ),
            Item(
                "A model is sure of A in one layer and sure of B in the next. The mean of its two entropies is small. "
                "What is the entropy of its mean belief?",
                (
                    Option(
                        "Small as well: it is the same thing in another order.",
                        "Averaging first mixes A and B, and a mixture of two certain beliefs is undecided.",
                    ),
                    Option(
                        "Large, about log 2.",
                        "Right: that is why it matters which of the two a definition means.",
                        right=True,
                    ),
                    Option("Zero.", "Zero would mean that the mean belief has one option only; it has two."),
                ),
            ),
            Item(
                "'Low stability entropy goes with high confidence in all our models.' What does this finding show "
                "about over-confidence?",
                (
                    Option(
                        "That stable models are over-confident.",
                        "Over-confident means surer than right. Nobody has looked at which answers were right.",
                    ),
                    Option(
                        "Nothing: a low entropy is a high confidence.",
                        "Right: the last layer is part of both. Hold it against confidence minus correctness.",
                        right=True,
                    ),
                    Option(
                        "That entropy is a good measure of calibration.",
                        "Calibration compares confidence with how often answers are right. Entropy knows no answers.",
                    ),
                ),
            ),
        ),
    )
]
