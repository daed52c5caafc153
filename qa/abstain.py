"""Says that the cables do not answer, and what the nearest paragraphs lack.

Flows in: the encoded question, of a follow-up only its own words, and the passages, best first. Flows out: a sentence or two. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from index.cable import Citation
from index.store import Store
from qa.lacking import missing
from qa.retrieve import Candidate, Query

CANNOT_ANSWER = "The cables do not answer this."
NEAREST = 3  # paragraphs that are named


def abstain(query: Query, found: Sequence[Candidate], store: Store) -> str:
    """`CANNOT_ANSWER`, then the nearest paragraphs, each with the words or the year of the question that it lacks."""
    of: dict[Citation, Candidate] = {}
    for one in found:
        of.setdefault(one.passage.citation, one)
    near = list(of.values())[:NEAREST]
    if not near:
        return CANNOT_ANSWER
    vectors = store.token_vectors([one.passage_id for one in near])
    said = []
    for one in near:
        passage = one.passage
        sent = store.cable(passage.citation.reference_id).sent
        lacks = missing(query, f"{passage.context}\n{passage.text}", vectors[one.passage_id], sent)
        subject = passage.context.split("\n")[0]
        about = f" ({_short(subject)})" if subject else ""
        said.append(f"{passage.citation}{about} {lacks or 'is on the subject, but does not say it'}")
    return f"{CANNOT_ANSWER} Nearest: {'; '.join(said)}."


def nothing_on(parts: Sequence[str]) -> str:
    """What is said of the parts of a question that nothing answers where others are answered; empty where there are none."""
    return f"Nothing was found for a part of this: {' '.join(parts)}" if parts else ""


def _short(subject: str, words: int = 9) -> str:
    parts = subject.split()
    return " ".join(parts[:words]) + (" ..." if len(parts) > words else "")
