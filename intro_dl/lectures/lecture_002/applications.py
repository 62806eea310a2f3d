"""Lecture 002: what machine learning does with texts, and what stands in for it here."""

from statistics import fmean

from intro_dl.lectures.engine.claims import Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import listed
from intro_dl.results.evidence import read_runs

cite(
    "A20",
    lectures=["002"],
    slide="Recall: Unsupervised",
    says="Cluster similar documents based on text",
    reason="Not shown: a recap of machine learning without a network; scikit-learn's KMeans on counts of "
    "words does it. What is learned without labels here: A15.",
)


@claim(
    "A21",
    lectures=["002"],
    slide="Recall: Supervised; State of the art in NLP: Text Classification",
    says="Email classification with already labeled emails; text classification",
    kind="measured",
)
def text_classification() -> Outcome:
    network, counting, majority = (
        read_runs("systems/tweets", metric)
        for metric in ("accuracy/test", "rivals/bag of words", "rivals/most frequent class")
    )
    return Outcome(
        [
            within(
                "accuracy minus that of the most frequent class, the least",
                min(network) - majority[0],
                low=0.1,
            ),
            within("accuracy minus that of counting words, mean", fmean(network) - counting[0], -0.06, 0.02),
        ],
        [
            f"LSTM {listed(network)}; counting words {counting[0]:.3f}; most frequent class "
            f"{majority[0]:.3f}.",
            "A stand-in for e-mails, which nobody publishes: texts in the style of tweets, rated by "
            "people as positive or negative (Hutto and Gilbert 2014). The LSTM is not better than "
            "counting words; 343 test texts, so an accuracy is known to about 0.02.",
        ],
    )


cite(
    "A22",
    lectures=["002"],
    slide="State of the art in NLP",
    says="Dialogue agents",
    reason="Not shown: such a network needs millions of lines of conversation (Vinyals and Le 2015), and "
    "only people can measure how good an answer is. The same encoder and decoder, on "
    "phrases that have one right answer: A4.",
)

cite(
    "A23",
    lectures=["002"],
    slide="State of the art in NLP",
    says="Question answering",
    reason="Not shown: it needs a collection such as SQuAD, more than 100,000 questions about Wikipedia "
    "(Rajpurkar et al. 2016), which no package ships, and networks that know a language already.",
)
