"""How two models are asked, with models of a few lines: what is told of tokenizers, kept of a run, and who reads."""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import numpy as np
import pytest
from messages_kit import refusal

import dualalign
from dualalign import Traces
from dualalign.questions import OptionClash, Question
from dualalign.traces import collect as collecting
from dualalign.traces import encode, sharing, tokens
from dualalign.traces.collect import collect, created_by
from dualalign.traces.encode import Encoded, batch_plan, encode_pair, longer
from dualalign.traces.shards import Shards
from dualalign.traces.sharing import as_text, reading, shared_start
from dualalign.traces.team import Team
from dualalign.traces.tokens import Difference, TokenizerReport, difference, readings, tokenizer_of, tokenizer_report

VOCABULARY = "a b c d e x y z Question: is it the cat dog red Answer: please bot: g: f:"


class Words:
    """A tokenizer that numbers these words from `first` on, and others after them as they come."""

    eos_token_id, is_fast = -1, True

    def __init__(self, first: int = 10, chat: str = ""):
        self.first, self.chat_template = first, chat
        self.numbers = {word: first + i for i, word in enumerate(VOCABULARY.split())}
        self.backend_tokenizer = SimpleNamespace(to_str=lambda: f"words from {first}")

    def __call__(self, text: str, **_) -> dict:
        words = text.split()
        return {"input_ids": [self.numbers.setdefault(word, self.first + len(self.numbers)) for word in words]}

    def apply_chat_template(self, messages: list[dict], **_) -> str:
        return f"{self.chat_template} {messages[0]['content']} bot: "

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [list(self.numbers)[i - self.first] for i in ids]


class Model:
    """A model in memory whose logits are an option's number and the prompt's length; layer 2 has them doubled."""

    dtype, device, softcap, spec = "float32", "cpu:0", "none", None

    def __init__(self, name: str = "base", tokenizer: Words | None = None, scale: float = 1.0, **more):
        self.name, self.tokenizer, self.scale = name, tokenizer or Words(), scale
        self.context_length, self.read = None, []
        self.model = SimpleNamespace(parameters=lambda: [np.full(99, scale).view(Numbers)])
        self.__dict__ |= more

    def lens(self, prompts: list[list[int]], options: list[list[int]]) -> np.ndarray:
        self.read.append(len(prompts))
        out = np.full((len(prompts), 2, max(map(len, options))), -np.inf, np.float32)
        for row, (prompt, ids) in enumerate(zip(prompts, options, strict=True)):
            out[row, :, : len(ids)] = self.scale * np.outer([1, 2], [len(prompt) + i / 100 for i in ids])
        return out


class Numbers(np.ndarray):
    """As much of a torch tensor as a fingerprint needs."""

    def detach(self) -> Numbers:
        return self

    def cpu(self) -> Numbers:
        return self

    def float(self) -> Numbers:
        return self.astype(np.float32)

    def numpy(self) -> np.ndarray:
        return np.asarray(self)


def questions(n: int = 6) -> list[Question]:
    """Of different lengths, with two or three options each."""
    names = ("cat", "dog", "red")
    return [
        Question(f"q{i}", "is it " + "the " * (i * 5 % 7), names[: 2 + i % 2], None if i == 3 else i % 2, "ab"[i % 2])
        for i in range(n)
    ]


TWINS = Question("twins", "is it", ("red cat", "red dog"), 0)


def refused(case: str, call, *left_out, error: type = ValueError) -> None:
    with refusal("collect", case, *left_out, error=error):
        call()


# -- Tokenizers ----------------------------------------------------------------------------------------------------


def test_a_report_counts_and_shows_three_of_each():
    differ = tuple(Difference(f"q{i}", "prompt", ("a", "b"), ("c",)) for i in range(4))
    assert TokenizerReport(9, differ, ("one", "two", "three", "four")).lines() == [
        "1 of 9 questions: the same tokens for both models",
        "4 of 9 questions: split differently (--foreign traces them all the same)",
        *[f"  'q{i}': prompt 'a' 'b' and 'c'" for i in range(3)],
        "4 of 9 questions: cannot be read in this style (--skip-clashes leaves them out)",
        *["  one", "  two", "  three"],
    ]
    assert TokenizerReport(2, (), ("one",)).lines()[0] == "1 of 2 questions: the same tokens for both models"


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (("a b c d e", "y"), ("a x c d e", "y"), ("prompt", ("b", "c", "d"), ("x", "c", "d"))),
        (("a b", "y"), ("a b c", "y"), ("prompt", (), ("c",))),  # one is the beginning of the other
        (("a", "x y"), ("a", "x z"), ("options", ("y",), ("z",))),
    ],
)
def test_where_two_readings_part(ours, theirs, found):
    pair = Words(), Words(100)
    sides = [tuple(words(text)["input_ids"] for text in side) for words, side in zip(pair, (ours, theirs), strict=True)]
    if ours[0] == theirs[0]:
        sides[1] = (sides[0][0], sides[1][1])
    one = difference(Question("q", "?", ("a", "b")), *sides, pair)
    assert (one.question, one.what, one.plm, one.polm) == ("q", *found)


def test_the_same_words_under_other_numbers_have_them_beside():
    pair = Words(), Words(100)
    sides = [(words("a b")["input_ids"], []) for words in pair]
    one = difference(Question("q", "?", ("a", "b")), *sides, pair)
    assert (one.plm, one.polm) == (("a=10", "b=11"), ("a=100", "b=101"))


def test_who_is_asked_and_in_which_words(monkeypatch):
    plm, polm = Model("base", Words(chat="g:")), Model("chat", Words(chat="f:"))
    assert tokenizer_of(plm) is plm.tokenizer
    assert tokenizer_of(SimpleNamespace(load=print, tokenizer=lambda: "spec's")) == "spec's"
    asked = [Question("q", "is it", ("cat", "dog"))]
    words = {}
    for chat in ("none", "polm", "both"):
        found = list(readings((plm, polm), (plm.tokenizer, polm.tokenizer), asked, "cloze", "please", chat, False))
        words[chat] = [polm.tokenizer.convert_ids_to_tokens(side[0])[0] for side in found[0].sides[1:]]
        first = plm.tokenizer.convert_ids_to_tokens(found[0].sides[0][0])[0]
        assert first == ("g:" if chat == "both" else "please")
    assert words == {"none": ["please"], "polm": ["f:"], "both": ["f:"]}
    only = list(readings((plm, polm), (plm.tokenizer,), asked, "cloze", "", "none"))
    assert (len(only[0].sides), only[0].differs, only[0].clash) == (1, None, "")
    said = []
    monkeypatch.setattr(tokens, "encode_question", lambda *given: said.append(given[2:]) or ([1], [2]))
    report = tokenizer_report(plm, polm, asked, "cloze")
    assert (report.asked, report.differ, report.clashes) == (1, (), ())
    tokenizer_report(plm, polm, asked, "cloze", "please")
    assert said == [("cloze", "")] * 2 + [("cloze", "please")] * 2
    monkeypatch.undo()
    assert tokenizer_report(Model(), Model(), [*questions(2), TWINS], "cloze", "please").asked == 3


def test_what_is_compared_under_a_template_is_the_prompt_without(monkeypatch):
    plm, polm = Model("base", Words(chat="g:")), Model("chat", Words(90, chat="f:"))
    pair, asked = (plm.tokenizer, polm.tokenizer), questions(1)
    assert [r.differs.what for r in readings((plm, polm), pair, asked, "cloze", "", "both")] == ["prompt"]
    assert [r.differs for r in readings((plm, polm), pair, asked, "cloze", "", "both", False)] == [None]
    assert [r.differs for r in readings((plm, polm), pair, asked, "cloze", "", "none", False)] == [None]
    clash = next(readings((plm, polm), pair, [TWINS], "cloze", "", "both", False))
    assert (clash.question, clash.sides) == (TWINS, ())
    assert clash.clash.startswith("base: question 'twins', style 'cloze': ")


def test_models_that_cannot_be_asked_are_told_word_by_word():
    plm, polm = Model("base", Words(chat="g:")), Model("chat")
    refused("no template", lambda: encode_pair(plm, polm, questions(2), "cloze", chat="both"))
    refused("an unknown chat", lambda: encode_pair(plm, polm, questions(2), "cloze", chat="all"))
    swapped = Model("chat", Words(90))
    refused("two tokenizers", lambda: encode_pair(Model(), swapped, questions(), "cloze"))
    refused("clashes", lambda: encode_pair(Model(), polm, [*questions(2), TWINS], "cloze"), error=OptionClash)
    refused("only clashes", lambda: encode_pair(Model(), polm, [TWINS], "cloze", on_clash="skip"))
    refused("a long prompt", lambda: encode_pair(Model(), Model("chat", context_length=9), questions(), "cloze"))
    kept, *sides = encode_pair(
        Model(), Model("chat", context_length=10), [TWINS, *questions()], "cloze", on_clash="skip"
    )
    assert [q.id for q in kept] == [f"q{i}" for i in range(6)]
    assert sides[0] == sides[1]
    assert max(map(len, sides[0].prompts)) == 10


def test_one_tokenizer_is_asked_where_that_is_the_same(monkeypatch):
    def asked(plm, polm, n=2, **options) -> int:
        found = []
        monkeypatch.setattr(
            encode,
            "readings",
            lambda m, tokenizers, *a, **k: found.append(len(tokenizers)) or readings(m, tokenizers, *a, **k),
        )
        encode_pair(plm, polm, questions(n), "cloze", **options)
        return found[0]

    def spec(source="a", revision=None):
        return SimpleNamespace(source=source, revision=revision)

    monkeypatch.setattr(encode, "MANY", 5)
    assert asked(Model(), Model(), 4) == 2
    assert asked(Model(), Model(), 5) == 1
    assert asked(Model(tokenizer=Words(chat="g")), Model(tokenizer=Words(chat="g")), 5, chat="both") == 2
    assert asked(Model(), Model(tokenizer=Words(90)), 5, foreign=True) == 2
    slow, other_end = Words(), Words()
    slow.is_fast, other_end.eos_token_id = False, -2
    assert asked(Model(), Model(tokenizer=slow), 5) == 2
    assert asked(Model(), Model(tokenizer=other_end), 5) == 2
    unknown = Words()
    del Words.is_fast
    try:
        assert asked(Model(), Model(tokenizer=unknown), 5) == 2
    finally:
        Words.is_fast = True
    assert asked(Model(spec=spec()), Model(spec=spec())) == 1
    assert asked(Model(spec=spec()), Model(spec=spec()), 5) == 1
    assert asked(Model(spec=spec()), Model(spec=spec("b"))) == 2
    assert asked(Model(spec=spec()), Model(spec=spec(revision="2"))) == 2
    assert asked(Model(spec=spec()), Model()) == 2


# -- Batches -------------------------------------------------------------------------------------------------------


def test_a_plan_is_cut_by_tokens_or_by_questions():
    def plan(*lengths: int, size: int | str = "auto") -> list[int]:
        return [len(rows) for rows in batch_plan(Encoded([[0] * n for n in lengths], [[]] * len(lengths)), size)]

    assert plan(*[1] * 65) == [64, 1]
    assert plan(4096, 4096) == [2]
    assert plan(4096, 4097) == [1, 1]
    assert plan(9000, 1) == [1, 1]
    assert plan(*[1] * 5, size=2) == [2, 2, 1]
    assert batch_plan(Encoded([[0] * n for n in (2, 1, 2, 1)], [[]] * 4)) == [[1, 3, 0, 2]]
    one, other = Encoded([[1], [2]], []), Encoded([[1, 2]], [])
    assert longer(one, other) is one
    assert longer(one, Encoded([[1, 2, 3]], [])).prompts == [[1, 2, 3]]
    assert one.digest() != Encoded([[1, 2]], []).digest() != Encoded([[1, 2]], [[]]).digest()


@pytest.mark.parametrize(
    ("same", "rest", "found"),
    [(16, 1, 16), (15, 1, 0), (16, 144, 16), (16, 145, 0), (17, 0, 16)],
)
def test_a_start_is_shared_from_16_tokens_and_a_tenth_on(same, rest, found):
    assert (sharing.SHORTEST, sharing.SHARE) == (16, 0.1)
    prompts = [[5] * same + [end] * rest for end in (1, 2)]
    assert shared_start(prompts) == found
    assert shared_start(prompts[:1]) == 0


def test_what_was_shared_in_words():
    given = [(None, None), (0, 0), (0, None), (7, 7), (7, 0), (None, 7), (7, 9)]
    assert [as_text(one) for one in given] == ["", "", "", "7", "7 / 0", "0 / 7", "7 / 9"]


def test_whether_a_start_is_read_once_is_tried_once(tmp_path, monkeypatch):
    tried = []

    def read_start(lens, start, prompts, options):
        assert lens is loaded.lens
        tried.append((start, prompts, options))
        return answer

    monkeypatch.setitem(sys.modules, "dualalign.models.prefix", SimpleNamespace(read_start=read_start))
    tokens = Encoded([[1, 2, 3, 4], [1, 2, 5], [1, 2, 3, 6, 7]], [[1], [2], [3]])
    loaded = SimpleNamespace(lens=lambda *a, start=None: start)
    shards, answer = Shards(tmp_path / "t", {}), "kept"
    read, n = reading(loaded, tokens, 2, "plm", shards)
    assert (read(), n, shards.noted("plm")) == ("kept", 2, 2)
    assert tried.pop() == ([1, 2], [[1, 2, 5], [1, 2, 3, 6, 7]], [[2], [3]])
    assert reading(loaded, tokens, 2, "plm", shards)[1] == 2
    assert tried.pop() == ([1, 2], [], [])  # read again, but not tried again
    answer = None
    assert reading(loaded, tokens, 2, "plm", shards) == (loaded.lens, 0)
    assert shards.noted("plm") == 2
    assert reading(loaded, tokens, 2, "polm", shards) == (loaded.lens, 0)
    assert shards.noted("polm") == 0
    tried.clear()
    assert reading(loaded, tokens, 2, "polm", shards) == (loaded.lens, 0)
    assert reading(loaded, tokens, 0, "plm", shards) == (loaded.lens, 0)
    assert tried == []


# -- Runs ----------------------------------------------------------------------------------------------------------


def run(out, plm=None, polm=None, asked=None, **options):
    pair = plm or Model(), polm or Model("chat", scale=3.0)
    asked = questions() if asked is None else asked
    return collect(*pair, asked, "cloze", out, **{"batch_size": 2, "progress": False} | options)


def test_every_number_goes_to_its_place(tmp_path):
    asked = questions()
    found = Traces.load(run(tmp_path / "t", asked=asked))
    for row, question in enumerate(asked):
        k = len(question.options)
        for logits, scale in ((found.plm_logits, 1), (found.polm_logits, 3)):
            assert np.isneginf(logits[row, :, k:]).all()
            assert np.allclose(logits[row, 1], 2 * logits[row, 0])
            assert np.allclose(logits[row, 0, :k] // scale, 5 + 1 + row * 5 % 7, atol=2)
    assert found.labels.tolist() == [0, 1, 0, -1, 0, 1]
    assert found.groups == tuple("ababab")
    bare = [Question(q.id, q.question, q.options) for q in asked]
    assert Traces.load(run(tmp_path / "t", asked=bare)).groups == ()
    assert list(tmp_path.iterdir()) == [tmp_path / "t"]


def test_batches_are_of_the_size_that_is_given(tmp_path):
    plm = Model()
    run(tmp_path / "t", plm, batch_size=4)
    assert plm.read == [4, 2]
    run(tmp_path / "t", plm, batch_size=1)
    assert plm.read[2:] == [1] * 6
    run(tmp_path / "t", plm, batch_size="auto")
    assert plm.read[8:] == [6]


def test_what_is_said_of_a_run(tmp_path):
    def said(plm=None, polm=None, **options) -> dict[str, str]:
        return Traces.load(run(tmp_path / "t", plm, polm, **options)).metadata

    plain = said(Model(device="cuda:1", softcap="30"), set_name="words", wording="please")
    assert plain == {
        "plm": "base",
        "polm": "chat",
        "questions": "words",
        "prompt": "cloze",
        "created_by": created_by(),
        "dtype": "float32",
        "device": "cuda / cpu",
        "softcap": "30 / none",
        "variant": "please",
        "schema": "dualalign/traces/1",
    }
    assert said()["variant"] == ""
    assert said(wording="please", variant="mine")["variant"] == "mine"


@pytest.mark.parametrize(
    ("chat", "prompt", "longer"),
    [
        ("none", "cloze", (0, 0)),
        ("polm", "cloze / cloze in its chat template", (0, 1)),  # two words of the template for the last of the prompt
        ("both", "cloze in its chat template", (1, 1)),
    ],
)
def test_who_reads_the_template_is_said_and_done(tmp_path, chat, prompt, longer):
    plain = Traces.load(run(tmp_path / "t"))
    pair = Model(tokenizer=Words(chat="x")), Model("chat", Words(chat="x"), 3.0)
    found = Traces.load(run(tmp_path / "t", *pair, chat=chat))
    assert found.metadata["prompt"] == prompt
    gained = [
        (getattr(found, side)[0, 0] - getattr(plain, side)[0, 0]) / scale
        for side, scale in (("plm_final", 2), ("polm_final", 6))
    ]
    assert gained == pytest.approx(longer, abs=0.1)
    if chat != "polm":
        again = Traces.load(run(tmp_path / "again", found, pair[1], chat=chat))
        assert again.metadata == found.metadata
        with pytest.raises(ValueError, match="plm: the finished trace was asked as"):
            run(tmp_path / "again", found, pair[1], chat="both" if chat == "none" else "none")


@pytest.fixture
def told(monkeypatch) -> list:
    """What a run shows of its progress: text, questions in all and done before, whether to show; then every step."""
    told = []

    @contextmanager
    def show(text, total, done, wanted):
        told.append((text, total, done, wanted))
        yield told.append

    monkeypatch.setattr(collecting, "show_progress", show)
    return told


def test_what_is_done_where_nothing_is_said(tmp_path, told):
    models = Model(), Model("chat")
    found = Traces.load(collect(*models, questions(), "cloze", tmp_path / "t"))
    assert told == [("plm base", 6, 0, True), 6, ("polm chat", 6, 0, True), 6]
    assert [model.read for model in models] == [[6], [6]]
    assert (found.metadata["questions"], found.order, found.metadata["prompt"]) == ("", None, "cloze")
    with pytest.raises(OptionClash, match="twins"):
        run(tmp_path / "t", asked=[*questions(), TWINS])
    with pytest.raises(ValueError, match="split differently"):
        run(tmp_path / "t", polm=Model("chat", Words(90)))
    assert len(Traces.load(run(tmp_path / "t", polm=Model("chat", Words(90)), foreign=True))) == 6


def test_commits_and_code_of_the_hub_are_said(tmp_path):
    def spec(**more):
        return SimpleNamespace(source="a", revision=None, **more)

    def said(*specs) -> tuple:
        pair = [Model(name, spec=one) for name, one in zip(("base", "chat"), specs, strict=True)]
        metadata = Traces.load(run(tmp_path / "t", *pair)).metadata
        return metadata.get("commits"), metadata.get("remote_code")

    assert said(None, None) == (None, None)
    assert said(spec(commits="abc"), spec(commits="def")) == ("abc / def", None)
    assert said(spec(commits=""), spec(commits="def")) == ("local / def", None)
    assert said(None, spec(trust_remote_code=True)) == (None, "off / allowed")
    assert said(*[spec(trust_remote_code=True)] * 2) == (None, "allowed")


def test_models_that_are_still_to_be_loaded(tmp_path):
    loaded = []

    def spec(model: Model):
        made = SimpleNamespace(
            name=model.name, dtype="float32", device_kind="mps", softcap="none", source=model.name, revision=None
        )
        made.load = lambda: loaded.append(model.name) or model
        made.tokenizer = lambda: model.tokenizer
        made.fingerprint = lambda: {"name": model.name}
        made.context_length, made.commits = None, "abc"
        return made

    found = Traces.load(run(tmp_path / "t", spec(Model()), spec(Model("chat"))))
    assert loaded == ["base", "chat"]
    assert (found.metadata["device"], found.metadata["commits"]) == ("mps", "abc / abc")


def test_versions_of_what_decides_the_numbers(monkeypatch):
    def version(name: str) -> str:
        if name in ("dualalign", "torch"):
            raise PackageNotFoundError
        return f"1.{len(name)}"

    monkeypatch.setattr(collecting, "version", version)
    assert created_by() == f"dualalign {dualalign.__version__}; torch unknown; transformers 1.12; numpy 1.5"


def stopped(out, monkeypatch, *args, **options) -> dict:
    """Begin a run that stops when its file is to be written, and return what it says of itself."""
    with monkeypatch.context() as patch:
        patch.setattr(collecting, "_put_together", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(out, *args, **options)
    return json.loads(out.with_name(f"{out.name}.part").joinpath("run.json").read_text())


def test_what_a_half_finished_run_says_of_itself(tmp_path, monkeypatch):
    said = stopped(tmp_path / "t", monkeypatch)
    assert said.keys() == {"question ids", "prompts", "batch size", "packages", "shared tokens", "plm", "polm"}
    assert (said["batch size"], said["packages"], said["shared tokens"]) == (2, created_by(), [0, 0])
    weights = hashlib.sha256(np.full(16, 3.0, np.float32).tobytes()).hexdigest()  # the first 16 of each
    assert said["polm"] == {"name": "chat", "dtype": "float32", "device": "cpu:0", "weights": weights}
    for changed in (
        {"polm": Model("chat", scale=4.0)},
        {"polm": Model("other", scale=3.0)},
        {"polm": Model("chat", scale=3.0, dtype="float16")},
        {"asked": questions(5)},
        {"asked": [replace(q, id=f"other {q.id}") for q in questions()]},
        {"wording": "please"},
        {"batch_size": 3},
    ):
        with pytest.raises(ValueError, match="belongs to another run"):
            run(tmp_path / "t", **changed)
    plm = Model()
    run(tmp_path / "t", plm)
    assert plm.read == []  # nothing was computed again
    again = Traces.load(tmp_path / "t")
    run(tmp_path / "t", again, asked=questions())
    assert Traces.load(tmp_path / "t").metadata == again.metadata
    with pytest.raises(ValueError, match="this run asks"):
        run(tmp_path / "v", again, variant="mine")
    assert stopped(tmp_path / "u", monkeypatch, again, batch_size=1)["plm"].keys() == {"trace"}
    assert np.load(tmp_path / "u.part" / "plm-000000.npy").shape == (1, 2, 2)  # no wider than its question
    other = Traces.load(run(tmp_path / "v", Model(scale=5.0)))
    with pytest.raises(ValueError, match=r"another run \(plm differ\)"):
        run(tmp_path / "u", other, batch_size=1)


def test_progress_counts_questions(tmp_path, monkeypatch, told):
    run(tmp_path / "t", batch_size=4, progress=True)
    assert told == [("plm base", 6, 0, True), 4, 2, ("polm chat", 6, 0, True), 4, 2]
    told.clear()
    stopped(tmp_path / "t", monkeypatch, batch_size=4)
    (tmp_path / "t.part" / "polm-000000.npy").unlink()
    told.clear()
    run(tmp_path / "t", batch_size=4)
    assert told == [("polm chat", 6, 2, False), 4]


def test_progress_of_a_team_counts_what_others_did(told):
    left, written = [[0, 1, 2], [2], []], []
    shards = SimpleNamespace(
        team=Team(0, 2),
        missing=lambda side, n: left.pop(0),
        write=lambda side, batch, logits: written.append((side, batch)),
        noted=lambda side: 0,
    )
    tokens = Encoded([[1]] * 6, [[5, 6]] * 6)
    collecting._run_side("plm", Model(), tokens, 0, [[0, 1], [2, 3], [4, 5]], shards, True, questions())
    assert written == [("plm", 0), ("plm", 2)]
    assert told == [("plm base", 6, 0, True), 4, 2]


def test_a_start_that_all_prompts_share_is_read_once_and_said(tmp_path, monkeypatch, told):
    class Kept(Model):
        def lens(self, prompts, options, start=None):
            return super().lens(prompts, options) + (1000 if start else 0)

    read_start = lambda lens, start, *some: start  # noqa: E731
    monkeypatch.setitem(sys.modules, "dualalign.models.prefix", SimpleNamespace(read_start=read_start))
    asked, wording = [Question(f"q{i}", f"is it {'abc'[i]}", ("cat", "dog")) for i in range(3)], "please " * 20
    found = {}
    for name, more in {"shared": {}, "whole": {"share_prefix": False}}.items():
        models = Kept(), Kept("chat", scale=3.0)
        found[name] = Traces.load(collect(*models, asked, "cloze", tmp_path / name, wording=wording, **more))
    assert found["shared"].metadata["shared_tokens"] == "23"  # the wording, "Question: is it"
    assert "shared_tokens" not in found["whole"].metadata
    assert np.array_equal(found["shared"].polm_final, found["whole"].polm_final + 1000)
    assert [one[0] for one in told if isinstance(one, tuple)] == [
        "plm base, 23 tokens shared",
        "polm chat, 23 tokens shared",
        "plm base",
        "polm chat",
    ]
    pair = {"plm": Kept(), "polm": Kept("chat"), "asked": asked, "wording": wording}
    assert stopped(tmp_path / "t", monkeypatch, **pair)["shared tokens"] == [23, 23]
    assert stopped(tmp_path / "u", monkeypatch, **pair, share_prefix=False)["shared tokens"] == [0, 0]


def test_memory_that_does_not_suffice_names_the_model(tmp_path):
    def full(prompts, options):
        raise MemoryError

    refused("one question too large", lambda: run(tmp_path / "t", Model(lens=full), batch_size=1))


def test_one_of_a_team_does_its_share_and_only_the_first_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(Team, "gather", lambda self: None)
    monkeypatch.setattr(Team, "wait", lambda self, missing, patience=0: told.append(missing()))
    told, plm = [], Model()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert run(str(tmp_path / "t"), plm) == tmp_path / "t"
    assert (plm.read, told) == ([2], [])
    assert not (tmp_path / "t").exists()
    monkeypatch.setenv("RANK", "0")
    run(tmp_path / "t", plm)
    assert (plm.read, told) == ([2, 2, 2], [[], []])
    monkeypatch.delenv("WORLD_SIZE")
    assert (tmp_path / "t").read_bytes() == run(tmp_path / "u").read_bytes()


def test_orders_belong_to_the_questions_that_are_kept(tmp_path):
    asked = [TWINS, *questions(3)]
    orders = [(0, 1), (1, 0), (2, 0, 1), (0, 1)]
    found = Traces.load(run(tmp_path / "t", asked=asked, order=orders, on_clash="skip", stored="float16", batch_size=3))
    assert found.order.tolist() == [[1, 0, -1], [2, 0, 1], [0, 1, -1]]
    assert b'"F16"' in (tmp_path / "t").read_bytes()
    with pytest.raises(ValueError, match="zip"):
        run(tmp_path / "u", asked=asked, order=orders[1:], on_clash="skip")


def spoilt(value: float) -> Model:
    """A model with such a logit at one layer, for one option of the second question it reads."""
    model = Model("broken")
    whole = model.lens

    def lens(prompts: list[list[int]], options: list[list[int]]) -> np.ndarray:
        found = whole(prompts, options)
        found[-1, 0, 1] = value
        return found

    model.lens = lens
    return model


def test_runs_that_cannot_be_are_told_word_by_word(tmp_path):
    out, here = tmp_path / "t", f"{tmp_path}/"
    refused("no questions", lambda: run(out, asked=[]))
    for size in (0, "many", 1.5):
        refused(f"batches of {size}", lambda size=size: run(out, batch_size=size))
    refused("an unknown rule", lambda: run(out, on_clash="drop"))
    refused("no folder", lambda: run(tmp_path / "no" / "t"), here)
    for value in (np.nan, np.inf, -np.inf):
        refused("logits that are not finite", lambda value=value: run(out, spoilt(value)))
    assert not out.exists()
