"""The index as a llama-index retriever, for anybody's LlamaIndex app.

Flows in: a llama-index query. Flows out: nodes, one a paragraph, whose metadata carries the citation.
"""

from __future__ import annotations

from pathlib import Path

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from index.store import Filter
from qa.answer import CableQA, open_qa


class CableRetriever(BaseRetriever):
    """Retrieves paragraphs of an index of cables.

    A node's text is the paragraph's; its metadata has `citation` (`09ASTANA2196 ¶24`), `reference_id`, `section`,
    `paragraph`, `subject` and `sent`. Scores: higher is better, comparable within one query only.
    """

    def __init__(self, index: str | Path | CableQA, k: int = 10, where: Filter = Filter()) -> None:
        """`index` is an index folder (its embedding model is loaded, about 90 MB) or an open CableQA."""
        super().__init__()
        self._qa = index if isinstance(index, CableQA) else open_qa(Path(index))
        self._k = k
        self._where = where

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        nodes = []
        for hit in self._qa.search(query_bundle.query_str, self._k, self._where):
            cable = self._qa.store.cable(hit.citation.reference_id)
            node = TextNode(
                id_=str(hit.citation),
                text=self._qa.store.paragraph(hit.citation).text,
                metadata={
                    "citation": str(hit.citation),
                    "reference_id": hit.citation.reference_id,
                    "section": hit.citation.section,
                    "paragraph": hit.citation.paragraph,
                    "subject": cable.subject,
                    "sent": cable.sent.isoformat() if cable.sent else None,
                },
            )
            nodes.append(NodeWithScore(node=node, score=hit.score))
        return nodes
