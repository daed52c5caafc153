"""The two real files: every paragraph of every cable once, in order, and nothing of the archive's form in a text."""

from __future__ import annotations

import re
from pathlib import Path

from index.corpus import Corpus


def numbers(last: int) -> list[tuple[str | None, str | None]]:
    return [(None, str(n)) for n in range(1, last + 1)]


def sections(*parts: str) -> list[tuple[str | None, str | None]]:
    """`"II.A 1-4"` -> ("II.A", "1") to ("II.A", "4")."""
    found: list[tuple[str | None, str | None]] = []
    for part in parts:
        section, _, span = part.rpartition(" ")
        first, _, last = span.partition("-")
        found += [(section, str(n)) for n in range(int(first), int(last or first) + 1)]
    return found


EXPECTED = {
    "09ASTANA1171": numbers(27),
    "10ASTANA270": numbers(8),
    "10ASTANA265": [(None, None)],
    "10ASTANA260": numbers(2),
    "10ASTANA259": [(None, None)],
    "10ASTANA258": numbers(4),
    "10ASTANA253": numbers(12),
    "10ASTANA141": sections(
        "I 0", "II.A 1-4", "II.B 0", "II.C 0", "II.D.TRAINING COURSES 1-4", "II.D.EQUIPMENT 1-2", "II.E 0", "II.F 0", "III 0"
    ),
    "10ASTANA70": numbers(1),
    "10ASTANA51": numbers(21),
    "10ASTANA45": numbers(18),
    "10ASTANA32": numbers(1),
    "10ASTANA7": sections(
        "I 0", "II.A 1-4", "II.B 0", "II.C 0", "II.D.TRAINING 0", "II.D.EQUIPMENT 1", "II.E 0", "II.F 0", "III 0"
    ),
    "09ASTANA2196": numbers(67),
    "09ASTANA2139": numbers(13),
    "09ASTANA2138": numbers(13),
    "09ASTANA2127": sections(
        "I 0", "II.A 1-5", "II.B 0", "II.C 0", "II.D.TRAINING 0", "II.D.EQUIPMENT 1-2", "II.E 0", "II.F 0", "III 0"
    ),
    "09ASTANA2101": numbers(12),
    "09ASTANA2099": numbers(8),
    "09ASTANA2098": numbers(7),
    "09ASTANA2069": numbers(2),
    "09ASTANA2003": sections(
        "I 0", "II.A 1-6", "II.B 0", "II.C 0", "II.D.TRAINING 0", "II.D.EQUIPMENT 1-2", "II.E 0", "II.F 0", "III 0"
    ),
    "09ASTANA1985": numbers(13),
    "09ASTANA1977": numbers(24),
    "09ASTANA1954": numbers(2),
    "09ASTANA1953": numbers(13),
}  # fmt: skip
SIGNED_BY_SPRATLEN = {"10ASTANA141", "09ASTANA2101", "09ASTANA2099", "09ASTANA2098", "09ASTANA2069"}
REFERENCES = {
    "10ASTANA270": ("09ASTANA2139",),
    "10ASTANA265": ("10STATE15084",),
    "10ASTANA259": ("09STATE125262", "10STATE6668"),
    "10ASTANA70": ("10STATE6703",),
    "10ASTANA45": ("09ASTANA368", "09ASTANA1977"),
    "10ASTANA32": ("09STATE114836",),
    "09ASTANA2196": ("09STATE97228",),
    "09ASTANA2101": ("09ASTANA1206",),
    "09ASTANA2099": ("09STATE112495",),
    "09ASTANA2098": ("09STATE111471", "09ASTANA1206"),
    "09ASTANA2069": ("09ASTANA1504", "09ASTANA2061"),
    "09ASTANA1977": ("09ASTANA368", "09ASTANA165", "09ASTANA1206"),
}
FORM = re.compile(
    r"ASTANA \d{8}|\bOF 00\d\b|&#x|&#|SIPDIS|E\.O\. 12958|^TAGS|^SUBJECT|VZCZC|RUEH|WikiLeaks|Wikileaks|\bUNCLAS\b|HOAGLAND|SPRATLEN|\n\n|  |\\"
)
CUT = ("su stained", "soldby", "priorityareas", "org anization", "rece ipt", "exceedin gly", "Mineral Resources", "AlmatyInstitute",
       "protoco l", "i ncluding", "truckis", "Committeefor", "r equired", "butmerely", "i rrigation", "respons ibility", " c enters",
       "RESTORATIONIS", "thegovernment")  # fmt: skip
WHOLE = ("sustained", "sold by a teacher", "priority areas", "organization of", "receipt of", "exceedingly difficult", "protocol",
         "Almaty Institute", "including through", "truck is sealed", "Committee for National", "required to have", "but merely",
         "use in irrigation", "justice centers", "the government introduced")  # fmt: skip


def test_every_paragraph_once_in_order_and_nothing_else(real_corpus: Path) -> None:
    corpus = Corpus([real_corpus])
    cables = {cable.reference_id: cable for cable in corpus}

    assert corpus.problems == []
    assert corpus.cables == 26
    assert {name: [(p.section, p.paragraph) for p in cable.paragraphs] for name, cable in cables.items()} == EXPECTED

    for name, cable in cables.items():
        assert cable.sent is not None
        assert f"{cable.sent:%y}" == name[:2]
        assert (cable.origin, cable.classification) == ("Embassy Astana", "UNCLASSIFIED")
        assert cable.signature == ("SPRATLEN" if name in SIGNED_BY_SPRATLEN else "HOAGLAND")
        assert cable.tags[-1] == "KZ"
        assert cable.references == REFERENCES.get(name, ())
        assert cable.addressees[0] == "SECSTATE WASHDC"
        assert cable.subject
        for paragraph in cable.paragraphs:
            assert paragraph.text.strip()
            assert not FORM.search(paragraph.text), (name, paragraph.paragraph)
            assert "ROAD AHEAD" not in paragraph.text
            assert "NEW ROUTES" not in paragraph.text


def test_cut_words_are_whole(real_corpus: Path) -> None:
    text = "\n".join(p.text for cable in Corpus([real_corpus]) for p in cable.paragraphs)

    assert [cut for cut in CUT if cut in text and cut != "Mineral Resources"] == []
    assert [whole for whole in WHOLE if whole not in text] == []


def test_headings_markings_and_whole_subjects(real_corpus: Path) -> None:
    cables = {cable.reference_id: cable for cable in Corpus([real_corpus])}
    drugs = {p.paragraph: p for p in cables["09ASTANA2196"].paragraphs}

    assert drugs["49"].heading == "DRUG FLOW/TRANSIT"
    assert drugs["50"].heading == "DOMESTIC PROGRAMS/DEMAND REDUCTION"
    assert drugs["64"].heading == "ROAD AHEAD / STATISTICAL TABLES"
    assert drugs["64"].text.endswith("53,883")
    assert [p.marking for p in cables["10ASTANA258"].paragraphs] == ["U", "SBU", "SBU", "U"]
    assert cables["10ASTANA270"].subject.endswith("2010 SUSTAINABLE DEVELOPMENT CONFERENCE")
    assert cables["09ASTANA1171"].tags == ("PGOV", "PREL", "SNAR", "KCRM", "KZ")
