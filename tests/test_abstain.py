"""What the nearest paragraphs lack of a question, with the real embedding model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from index.cable import Paragraph
from index.embed import Embedder
from index.passage import passages
from index.store import Store
from qa.abstain import CANNOT_ANSWER, abstain, missing
from qa.retrieve import Candidate, encode_query
from tests.stored import BARE


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    """A cable of three paragraphs."""
    texts = (
        "In 2008 the harbour master bought two cranes.",
        "The harbour master bought a car for his wife.",
        "Ice closed the bay in 2006 and in 2007.",
    )
    cable = replace(
        BARE, subject="Port of Tarn: purchases and incidents of the harbour in the last few years",
        paragraphs=tuple(Paragraph(None, str(n), None, None, text) for n, text in enumerate(texts, 1)),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("abstain")
    found = passages(cable, embedder.count_tokens, 256)
    with Store.create(folder, embedder.identity, embedder.dimension) as made:
        made.add(cable, "h", found, embedder.encode([(one.context, one.text) for one in found]))
        made.finish()
    with Store.open(folder) as opened:
        yield opened


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("What did he buy in 2009?", "In 2008 he bought two cranes.", "speaks of 2008, not of 2009"),
        ("What did he buy in 2009 or 2010?", "He bought cranes in 2006, 2007 and 2005.", "speaks of 2005 and 2006, not of 2009 or 2010"),
        ("What did he buy in 2008?", "In 2008 he bought two cranes, in 2007 one.", ""),
        ("Who bought the helicopter?", "He bought two cranes.", "does not mention 'helicopter'"),
        ("Who bought the cranes?", "He bought two cranes.", ""),
        ("Did the physician come?", "The doctor came at noon.", ""),
        ("Who was it?", "The doctor came at noon.", ""),
        ("Who bought the helicopter?", "", "does not mention 'helicopter' or 'bought'"),
        ("Who met Minister Varga?", "The Minister met the envoy.", "does not mention 'Minister Varga'"),
        ("Who met Minister Varga?", "Varga met the envoy.", ""),
        ("Which of the cables mention the number of the helicopter?", "He bought two cranes.", "does not mention 'helicopter'"),
        ("Which people got the helicopter going again?", "He bought two cranes.", "does not mention 'helicopter'"),
        ("What became of the first man?", "He bought two cranes.", ""),
        ("Where is the undersea cable?", "He bought two cranes.", "does not mention 'undersea' or 'cable'"),
        ("Did the United States pay?", "The port paid.", "does not mention 'United States'"),
    ],
)  # fmt: skip
def test_what_a_passage_lacks(store: Store, embedder: Embedder, question: str, text: str, expected: str) -> None:
    query = encode_query(question, store, embedder)
    assert missing(query, text, embedder.encode([("", text)])[0].tokens) == expected


def test_the_nearest_paragraphs_are_named_with_what_they_lack(store: Store, embedder: Embedder) -> None:
    query = encode_query("Who bought the helicopter in 2008?", store, embedder)
    of = store.passages(store.passage_ids(["08SELWYN1"]))
    found = [Candidate(one, n, 0.0, 0.0) for n, one in sorted(of.items())]
    subject = "(Port of Tarn: purchases and incidents of the harbour ...)"

    assert abstain(query, [found[2], found[0], found[2]], store) == (
        f"The cables do not answer this. Nearest: 08SELWYN1 ¶3 {subject} speaks of 2006 and 2007, not of 2008; "
        f"08SELWYN1 ¶1 {subject} does not mention 'helicopter'."
    )
    assert abstain(query, [], store) == CANNOT_ANSWER

    query = encode_query("Who bought the cranes?", store, embedder)
    assert abstain(query, found[:1], store) == (
        f"The cables do not answer this. Nearest: 08SELWYN1 ¶1 {subject} is on the subject, but does not say it."
    )
