"""What is read from a model's reply: markers of every kind, JSON whole and cut off, pieces of any size."""

from __future__ import annotations

import json

import pytest

from qa.draft import Draft, Said


def said(reply: str, passages: int = 3) -> list[Said]:
    draft = Draft(passages)
    draft.feed(reply)
    return draft.statements()


@pytest.mark.parametrize(
    ("reply", "keys", "wrong"),
    [
        ("It is so [1].", (1,), ()),
        ("It is so. [1]", (1,), ()),
        ("It is so.[1][2]", (1, 2), ()),
        ("It is so [1, 3].", (1, 3), ()),
        ("It is so [1-3].", (1, 2, 3), ()),
        ("It is so [1] and [2].", (1, 2), ()),
        ("It is so [1 and 2].", (1, 2), ()),
        ("It is so (2).", (2,), ()),
        ("It is so (1, 2).", (1, 2), ()),
        ("It is so 【2】.", (2,), ()),
        ("It is so 【2†source】.", (2,), ()),
        ("It is so [passage 2].", (2,), ()),
        ("It is so [Source: no such].", (), ()),
        ("It is so [^1].", (1,), ()),
        ("It is so.\n[2]", (2,), ()),
        ("It is so [1][9].", (1,), ("[9]",)),
        ("It is so [0].", (), ("[0]",)),
        ("It is so [1-900].", (1,), ("[900]",)),
        ("It is so.", (), ()),
        ("- It is so [1].", (1,), ()),
        ("1. It is so [1].", (1,), ()),
    ],
)
def test_markers_of_every_kind(reply: str, keys: tuple[int, ...], wrong: tuple[str, ...]) -> None:
    found = said(reply)

    assert [(one.keys, one.wrong) for one in found] == [(keys, wrong)]
    assert found[0].text.startswith("It is so")


def test_round_brackets_are_text_where_they_name_no_passage_or_others_are_markers() -> None:
    assert said("Ten (10) boats sank.") == [Said("Ten (10) boats sank.", ())]
    assert said("Two (2) boats sank [1].") == [Said("Two (2) boats sank.", (1,))]


def test_sentences_keep_their_own_markers() -> None:
    assert said("One [1]. Two.[2] Three [1,3] is so.") == [
        Said("One.", (1,)),
        Said("Two.", (2,)),
        Said("Three is so.", (1, 3)),
    ]


REPLY = {"cannot_answer": False, "statements": [
    {"text": "The \"quota\" is 41,200 tons – down.", "keys": [1, 2]}, {"text": "Roake said so [3]. She left.", "keys": [7]},
]}  # fmt: skip
EXPECTED = [
    Said('The "quota" is 41,200 tons – down.', (1, 2)),
    Said("Roake said so.", (3,), ("[7]",)),
    Said("She left.", (), ("[7]",)),
]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```", "<think>Hm, {{1}}.</think>\n{}"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_json_in_pieces(ascii_only: bool, indent: int | None, fence: str, size: int) -> None:
    reply = fence.format(json.dumps(REPLY, ensure_ascii=ascii_only, indent=indent))
    draft = Draft(3)
    shown = "".join(draft.feed(reply[n : n + size]) for n in range(0, len(reply), size))

    assert shown == 'The "quota" is 41,200 tons – down. [1][2] Roake said so [3]. She left.'
    assert draft.statements() == EXPECTED
    assert not draft.cannot_answer


def test_json_that_is_cut_off_anywhere_shows_no_json_and_keeps_what_is_there() -> None:
    reply = json.dumps({"cannot_answer": False, "statements": [{"text": "A 😀 boat sank.", "keys": [1]}]})
    for end in range(len(reply)):
        draft = Draft(3)
        shown = draft.feed(reply[:end])
        assert "A 😀 boat sank. [1]".startswith(shown)
        assert len(draft.statements()) <= 1


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_markers_are_held_back_until_complete(size: int) -> None:
    reply = "One [1, 2]. Two 【3】 [9] [note] end [1"
    draft = Draft(3)
    pieces = [draft.feed(reply[n : n + size]) for n in range(0, len(reply), size)]

    assert "".join(pieces) == "One [1][2]. Two [3]  [note] end "
    assert all(piece.count("[") == piece.count("]") for piece in pieces if "note" not in piece)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('{"cannot_answer": true, "statements": []}', True),
        ("The cables do not answer this.", True),
        ("I am sorry. The cables do not answer this", True),
        ("The quota is 41,200 tons [1]. The cables do not answer this for 2011.", False),
        ("The quota is 41,200 tons [1].", False),
    ],
)
def test_a_model_may_decline(reply: str, expected: bool) -> None:
    draft = Draft(3)
    draft.feed(reply)

    assert draft.cannot_answer is expected


@pytest.mark.parametrize(
    "reply",
    [
        'Here is the JSON you asked for:\n{"statements": [{"text": "It is so.", "keys": [1]}]}',
        '[\n  {"text": "It is so.", "keys": [1]}\n]',
        '{"answer": "It is so.", "citations": [1]}',
        '{"statements": [{"statement": "It is so.", "sources": [1]}]}',
        '{"text": "It is so.", "key": 1}',
        '{"cannot_answer": true, "statements": [{"text": "It is so.", "keys": [1]}]}',
    ],
)
def test_json_in_other_dress(reply: str) -> None:
    draft = Draft(3)
    draft.feed(reply)

    assert draft.statements() == [Said("It is so.", (1,))]
    assert not draft.cannot_answer
