"""The trained reader: tokens and spans by hand, its file of weights, and what it makes of invented passages."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from index.embed import compute_dtype
from index.errors import IndexMismatch
from index.passage import context_of
from qa.read import ANSWERS
from qa.reader.encode import Pair, PairEncoder, batch
from qa.reader.model import SHA256, WEIGHTS, Judgement, Reader, Span, _spans, _trimmed
from qa.reader.net import ReaderNet, load_weights, save_weights
from qa.rerank import probability

# --- encoding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "text", "expected"),
    [
        ("", "Catches rose to 2,871 tons.", ["Catches", "rose", "to", "2", ",", "87", "1", "tons", "."]),
        ("HERRING QUOTAS", "Prices fell.", [None, None, None, "Prices", "fell", "."]),
        ("Café — “naïve”", "He said “déjà”.", [None] * 5 + ["He", "said", "“", "dé", "jà", "”", "."]),
        ("HERRING QUOTAS", "", [None, None, None]),
        ("", "", []),
    ],
)
def test_tokens_know_their_characters_and_those_of_the_context_have_none(
    encode: PairEncoder, context: str, text: str, expected: list[str | None]
) -> None:
    (pair,) = encode("How much?", [(context, text)])
    shown = [text[span[0] : span[1]] if span else None for span in pair.spans]

    assert shown == expected
    assert (pair.asked_at, len(pair.ids)) == (len(expected) + 2, len(expected) + 6)  # [CLS] ... [SEP] how much ? [SEP]


def test_question_and_passage_are_cut_to_their_limits(encode: PairEncoder) -> None:
    long = ("", "fish " * 400)
    (short_question,), (long_question,) = encode("How much?", [long]), encode("fish " * 200, [long])

    assert [(len(pair.asked), len(pair.spans), len(pair.ids)) for pair in (short_question, long_question)] == [
        (3, 314, 320), (94, 223, 320),
    ]  # fmt: skip
    assert {pair.ids[at] for pair in (short_question, long_question) for at in (pair.asked_at - 1, -1)} == {102}


def test_threads_get_what_one_thread_gets(encode: PairEncoder) -> None:
    texts = [("HERRING", "herring " * n) for n in (1, 30, 400, 4)] * 4
    expected = [encode("How much?", [pair]) for pair in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda pair: encode("How much?", [pair]), texts)) == expected
    assert encode("How much?", texts) == [pair for pairs in expected for pair in pairs]


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the tokenizer has no \[CLS\]: it is not that of a BERT or DeBERTa model$"):
        PairEncoder(Tokenizer(WordLevel({"a": 0}, unk_token="a")).to_str())


def test_a_batch_is_padded_and_marks_where_answers_may_stand() -> None:
    pairs = [Pair((101, 8, 9, 102, 7, 102), (None, (0, 2)), ((0, 1),)), Pair((101, 102, 7, 102), (), ((0, 1),))]

    assert [tensor.tolist() for tensor in batch(pairs)] == [
        [[101, 8, 9, 102, 7, 102], [101, 102, 7, 102, 0, 0]],
        [[0, 1, 1, 1, 0, 0], [0, 1, 0, 0, 0, 0]],
        [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]],
        [[True, False, True, False, False, False], [True, False, False, False, False, False]],
    ]


def test_a_context_is_what_is_known_of_the_cable() -> None:
    assert context_of("Quotas", "SUMMARY", "Embassy Tarn", "2009-01-02") == "Embassy Tarn 2009-01-02\nQuotas\nSUMMARY"
    assert context_of("Quotas", None, "", "2009-01-02") == "2009-01-02\nQuotas"
    assert context_of("", None, "", "") == ""


# --- spans ---------------------------------------------------------------------------------------------------

WORDS = Pair((0,) * 8, (None, (0, 3), (4, 7), (8, 11)), ())  # a token of context, then `red fox ran`


def spans(pair: Pair, start: list[float], end: list[float]) -> list[Span]:
    return _spans(pair, np.array(start, np.float32), np.array(end, np.float32))


def test_the_best_span_comes_first_and_none_overlaps() -> None:
    """`red` to `fox` has 4 + 5, less 1 + 1 for no answer; only `ran` is left then. The context's 9 and 9 do not count."""
    found = spans(WORDS, [1, 9, 4, 0, 3, 0, 0, 0], [1, 9, 0, 5, 2, 0, 0, 0])
    assert found == [Span(0, 7, 7.0), Span(8, 11, 3.0)]


def test_an_answer_does_not_end_before_it_begins() -> None:
    found = spans(WORDS, [0, 0, -1, -1, 9, 0, 0, 0], [0, 0, 9, -1, -2, 0, 0, 0])
    assert found == [Span(0, 3, 8.0), Span(8, 11, 7.0), Span(4, 7, -2.0)]


def test_an_answer_has_48_tokens_and_a_passage_six_answers_at_most() -> None:
    """Token 0 to token 59 would have 9 + 9; token 0 to 47 has 9 + 2."""
    pair = Pair((0,) * 62, tuple((2 * n, 2 * n + 1) for n in range(60)), ())
    start, end = [-5.0] * 62, [-5.0] * 62
    start[0] = end[0] = 0
    start[1], end[1 + 47], end[1 + 59] = 9, 2, 9
    found = spans(pair, start, end)

    assert found[:2] == [Span(0, 95, 11.0), Span(96, 119, 4.0)]
    assert len(spans(pair, [0.0] * 62, [0.0 if n % 2 else -9.0 for n in range(62)])) == 6


def test_a_passage_without_words_has_no_answer() -> None:
    assert spans(Pair((0, 0, 0), (), ()), [0, 0, 0], [0, 0, 0]) == []
    assert spans(Pair((0, 0, 0, 0), (None,), ()), [0, 0, 0, 0], [0, 0, 0, 0]) == []


# --- weights -------------------------------------------------------------------------------------------------


def test_weights_come_back_within_half_a_step_with_their_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encode: PairEncoder
) -> None:
    monkeypatch.setattr("qa.reader.net.LAYERS", 2)
    torch.manual_seed(0)
    net = ReaderNet(60)
    file = tmp_path / "weights.safetensors"
    digest = save_weights(net, file, encode.tokenizer_json)
    (loaded, again), kept = load_weights(file), load_file(file)

    assert digest == hashlib.sha256(file.read_bytes()).hexdigest() == save_weights(net, file, encode.tokenizer_json)
    found = loaded.state_dict()
    assert set(found) == set(net.state_dict())
    for name, value in net.state_dict().items():
        step = kept[f"{name}.scale"] if value.ndim == 2 else torch.zeros(())
        assert ((found[name] - value).abs() <= step * 0.5001).all(), name
    assert again("It sank.", [TUNNEL]) == encode("It sank.", [TUNNEL])


def test_the_file_that_ships_is_at_most_40_megabytes() -> None:
    assert WEIGHTS.stat().st_size <= 40e6


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"broken")
    save_file({"words": torch.zeros(2)}, tmp_path / "others")

    for name in ("broken", "others"):
        with pytest.raises(
            IndexMismatch, match=rf"^\S+{name} is no file of the reader's weights: .*\. Reinstall cable-qa\.$"
        ):
            Reader(tmp_path / name)
    with pytest.raises(IndexMismatch, match="nowhere cannot be read"):
        Reader(tmp_path / "nowhere")


def test_other_weights_than_expected_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"others")
    digest = hashlib.sha256(b"others").hexdigest()
    with pytest.raises(IndexMismatch) as raised:
        Reader(file, "0" * 64)
    assert str(raised.value) == (
        f"The reader's weights {file} have sha256 {digest}, not {'0' * 64}. Reinstall cable-qa."
    )


def test_the_tokens_of_the_reader_that_ships_cover_the_text_in_order(reader: Reader) -> None:
    text = "Café “Zhaňa Özen” took 2½ tons…  and\n€1,500;\tthe Ørsted brothers’ share was ﬁxed at 33 percent."
    (pair,) = reader.encode("What was taken?", [("Embassy Skarn\nTRADE", text)])
    spans = [span for span in pair.spans if span]

    assert None in pair.spans
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one <= other and one[1] <= other[1] for one, other in pairwise(spans))
    covered = {at for span in spans for at in range(*span)}
    assert {at for at, letter in enumerate(text) if not letter.isspace()} <= covered
    assert [text[start:end].strip() for start, end in spans if "tons" in text[start:end]] == ["tons"]
    assert [("What was taken?")[start:end].strip() for start, end in pair.asked] == ["What", "was", "taken", "?"]


# --- reading -------------------------------------------------------------------------------------------------

TUNNEL = (
    "Embassy Skarn 2007-06-01\nRAIL IN THE NORTH",
    "The Skarn tunnel was opened by Odile Brandt on May 4, 2007. It is 3.2 kilometers long and cost 41 million crowns.",
)
SUBJECT = (
    "Embassy Skarn 2007-06-01\nRAIL IN THE NORTH",
    "The Skarn tunnel lies on the line to the coast. Freight trains pass through it at night, and trucks are not admitted.",
)
MAYOR = (
    "Embassy Skarn 2008-02-11\nMAYOR RESIGNS",
    "The mayor of Skarn resigned on Monday because the council had rejected her budget. Her deputy, Tobin Varga, succeeds her.",
)
PASSAGES = [TUNNEL, SUBJECT, MAYOR]


@pytest.mark.parametrize(
    ("question", "passage", "expected"),
    [
        ("Who opened the Skarn tunnel?", TUNNEL, "Odile Brandt"),
        ("How long is the Skarn tunnel?", TUNNEL, "3.2 kilometers"),
        ("How much did the Skarn tunnel cost?", TUNNEL, "41 million crowns"),
        ("Who succeeds the mayor of Skarn?", MAYOR, "Tobin Varga"),
    ],
)
def test_the_answering_words_are_found(reader: Reader, question: str, passage: tuple[str, str], expected: str) -> None:
    ((judged,), (_, text)) = reader.judge(question, [passage]), passage
    best = judged.spans[0]

    assert expected in text[best.start : best.end]
    assert best.end - best.start <= len(expected) + 6  # `long`, `Her`: a word more is no fault
    assert probability(judged) > ANSWERS


@pytest.mark.parametrize("question", ["How much did the Skarn tunnel cost?", "When was the Skarn tunnel opened?"])
def test_a_passage_that_answers_ranks_above_one_on_the_subject(reader: Reader, question: str) -> None:
    judged = dict(zip(PASSAGES, reader.judge(question, PASSAGES), strict=True))

    assert max(PASSAGES, key=lambda passage: judged[passage].relevance) == TUNNEL
    assert max(PASSAGES, key=lambda passage: probability(judged[passage])) == TUNNEL


@pytest.mark.parametrize(
    ("answered", "sister", "passage"),
    [
        ("Who opened the Skarn tunnel?", "Who designed the Skarn tunnel?", TUNNEL),
        ("How long is the Skarn tunnel?", "How many workers died in the Skarn tunnel?", TUNNEL),
        ("Why did the mayor of Skarn resign?", "Why did the mayor of Skarn sue the newspaper?", MAYOR),
    ],
)
def test_a_question_on_the_subject_without_answer_is_less_probable(
    reader: Reader, answered: str, sister: str, passage: tuple[str, str]
) -> None:
    (yes,), (no,) = reader.judge(answered, [passage]), reader.judge(sister, [passage])
    assert probability(yes) > probability(no)


def same(one: Judgement, other: Judgement) -> bool:
    """Spans that are all but equally good may change places, so only the best is compared; bfloat16 has three digits."""
    return (one.relevance, one.answers, one.spans[0].score) == pytest.approx(
        (other.relevance, other.answers, other.spans[0].score), abs=1e-2 if compute_dtype() == torch.float32 else 0.2
    ) and (one.spans[0].start, one.spans[0].end) == (other.spans[0].start, other.spans[0].end)


def test_order_and_batch_do_not_matter(reader: Reader) -> None:
    question = "Who opened the Skarn tunnel?"
    many = [*PASSAGES, ("", "A short note."), ("RAIL", f"{SUBJECT[1]} {MAYOR[1]} " * 4), ("RAIL", TUNNEL[1])]
    alone = [reader.judge(question, [passage])[0] for passage in many]

    assert all(map(same, reader.judge(question, many), alone))
    assert all(map(same, reader.judge(question, many[::-1]), alone[::-1]))
    assert reader.judge(question, []) == []
    assert reader.judge(question, [("", "")])[0].spans == ()


def test_threads_share_a_reader(reader: Reader) -> None:
    questions = ["Who opened the Skarn tunnel?", "Why did the mayor resign?"]
    expected = [reader.judge(question, PASSAGES) for question in questions]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda question: reader.judge(question, PASSAGES), questions * 4))
    assert all(
        same(one, other) for a, b in zip(found, expected * 4, strict=True) for one, other in zip(a, b, strict=True)
    )


def test_the_reader_is_known_by_its_weights(reader: Reader) -> None:
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == SHA256
    assert reader.identity == SHA256[:12]


def test_statements_are_told_from_false_ones(reader: Reader) -> None:
    statements = ["The Skarn tunnel cost 41 million crowns.", "The Skarn tunnel cost 14 million crowns."]
    (true, about_mayor), (false,) = (
        reader.support(statements[0], [TUNNEL, MAYOR]),
        reader.support(statements[1], [TUNNEL]),
    )

    assert true.shares == pytest.approx(reader.support(statements[0], [TUNNEL])[0].shares, abs=0.02)
    for one in (true, about_mayor, false):
        assert sum(one.shares) == pytest.approx(1.0)
    assert max(range(4), key=lambda n: true.shares[n]) == 0
    assert max(range(4), key=lambda n: about_mayor.shares[n]) != 0
    assert max(range(4), key=lambda n: false.shares[n]) == 3
    assert (true.doubtful, [statements[1][start:end] for start, end in false.doubtful]) == ((), ["14"])


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("He said “proper words” twice.", (8, 15), "proper"),
        ("It cost a lot (180,000 dollars).", (15, 31), "180,000 dollars"),
        ("It cost (a lot) then.", (8, 15), "(a lot)"),
        ('The "old" port.', (4, 9), '"old"'),
        ("Plain words.", (0, 5), "Plain"),
        ("Plain\n words.", (5, 12), "words"),
        ("He said “proper words” twice.", (7, 15), "proper"),
    ],
)
def test_half_a_pair_of_marks_is_no_part_of_an_answer(text: str, span: tuple[int, int], expected: str) -> None:
    found = _trimmed(Span(*span, 1.0), text)
    assert text[found.start : found.end] == expected
