"""Parsing of invented telegrams: each oddity of the archive by itself, then all of them at random."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.cable import Cable, normalise_reference_id
from index.clean import clean_lines
from index.corpus import SAMPLE, Corpus
from index.parse import Problem, parse_html, parse_row, parse_text

HEADER = """VZCZCXRO1234
OO RUEHXX
DE RUEHPSW #0270/01 0570805
ZNR UUUUU ZZH
O 260805Z FEB 10
FM AMEMBASSY PORT SELWYN
TO RUEHC/SECSTATE WASHDC IMMEDIATE 7547
INFO RUEHTRN/AMCONSUL TARN 0012

UNCLAS SECTION 01 OF 02 PORT SELWYN 000270

SIPDIS

E.O. 12958: N/A
TAGS: ECON PGOV MV
SUBJECT:  QUOTAS FOR HERRING AND A SUBJECT
THAT RUNS ON

REF: A) 09 Port Selwyn 02139
 B) STATE 015084

"""


def parse_one(text: str) -> Cable:
    cables = list(parse_text(text, "a.txt"))
    assert len(cables) == 1
    assert isinstance(cables[0], Cable)
    return cables[0]


def texts(body: str) -> list[tuple[str | None, str]]:
    return [(p.paragraph, p.text) for p in parse_one(HEADER + body).paragraphs]


def test_an_address_names_one_paragraph() -> None:
    """Outline labels that begin anew."""
    cable = parse_one(
        HEADER + "A. CREWS\n\n1. Nine guards.\n\n2. Ten.\n\nB. SHIPS\n\n1. Four.\n\nA. CREWS\n\n1. Forty pilots.\n"
    )

    assert [(p.section, p.paragraph, p.text) for p in cable.paragraphs] == [
        ("A", "1", "Nine guards.\nForty pilots."), ("A", "2", "Ten."), ("B", "1", "Four."),
    ]  # fmt: skip


def test_line_ends_of_another_system() -> None:
    text = HEADER + "1. One.\n\n2. Two.\n\nLINDQVIST\n"
    assert parse_one(text.replace("\n", "\r\n")) == parse_one(text)


def test_header_fields() -> None:
    cable = parse_one(HEADER + "1.  (SBU) One.\n\nLINDQVIST\n")

    assert cable.reference_id == "10PORTSELWYN270"
    assert cable.sent == datetime(2010, 2, 26, 8, 5, tzinfo=UTC)
    assert (cable.origin, cable.classification) == ("Embassy Port Selwyn", "UNCLASSIFIED")
    assert cable.subject == "QUOTAS FOR HERRING AND A SUBJECT THAT RUNS ON"
    assert cable.tags == ("ECON", "PGOV", "MV")
    assert cable.references == ("09PORTSELWYN2139", "10STATE15084")
    assert cable.addressees == ("SECSTATE WASHDC", "AMCONSUL TARN")
    assert cable.signature == "LINDQVIST"
    assert [(p.paragraph, p.marking, p.text) for p in cable.paragraphs] == [("1", "SBU", "One.")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("1. First.\n2. Second.\n", [("1", "First."), ("2", "Second.")]),
        ("11. First.\n\n12. Second.\n", [("1", "First."), ("2", "Second.")]),
        ("1. See paragraphs\n2-67.\n\n2. Second.\n", [("1", "See paragraphs 2-67."), ("2", "Second.")]),
        ("1. To be held in\n2010.  The end.\n\n2. Second.\n", [("1", "To be held in 2010. The end."), ("2", "Second.")]),
        ("1. Detained were 12 from Orsk, 7\n\nfrom Sundmark.\n\n2. Two.\n", [("1", "Detained were 12 from Orsk, 7 from Sundmark."), ("2", "Two.")]),
        ("1. Three aims:\n\n1. fish\n\n2. coal\n\n3. salt\n\n2. Second.\n", [("1", "Three aims:\n1. fish\n2. coal\n3. salt"), ("2", "Second.")]),
        ("1. One.\n\nNEW HARBOR\n2. Two.\n", [("1", "One."), ("2", "Two.")]),
        ("1. One.\nNEW HARBOR\n\n2. Two.\n", [("1", "One."), ("2", "Two.")]),
        ("1. One.\n\nThe New Harbor\n--------------\n\n2. Two.\n", [("1", "One."), ("2", "Two.")]),
        ("1. Goes on over the\n \nPORT SELWYN 00000270  002.3 OF 002 \n \n \npage.\n\n2. Two.\n", [("1", "Goes on over the page."), ("2", "Two.")]),
        ("1. Candidates:\n\nA.  Ann Roe, 43.\n\nB.  Bo Lund, 39.\n\n2. Two.\n", [("1", "Candidates:\nA. Ann Roe, 43.\nB. Bo Lund, 39."), ("2", "Two.")]),
        ("No number here.\nOne line more.\n", [(None, "No number here. One line more.")]),
        ("Not for the internet.\n\n1. One.\n", [("0", "Not for the internet."), ("1", "One.")]),
        ("1. One.\n\n2. Two.\n\n4. Four.\n", [("1", "One."), ("2", "Two."), ("4", "Four.")]),
        ("1. A &#x000\nA;\n\n2. Two &amp; half, \\$5.\n", [("1", "A"), ("2", "Two & half, $5.")]),
        ("1. A well-\nknown port.\n", [("1", "A well-known port.")]),
        ("1. Landed:\n\nYEAR      COD    HERRING\n2007       49         53\n2008       46         52\nThe rest is sprat.\n\n2. Two.\n", [("1", "Landed:\nYEAR COD HERRING\n2007 49 53\n2008 46 52\nThe rest is sprat."), ("2", "Two.")]),
        ("1. It was so.\nCod         $46\nHerring     $52\n\n2. Two  words.  Three.  Four.\n", [("1", "It was so.\nCod $46\nHerring $52"), ("2", "Two words. Three. Four.")]),
        ("1. Transcript:\nQ (COURIER): Why?\nA: Why not.\nMR. LUND: So.\nQUESTION (RADIO BRENN): When?\n\n2. Two.\n", [("1", "Transcript:\nQ (COURIER): Why?\nA: Why not.\nMR. LUND: So.\nQUESTION (RADIO BRENN): When?"), ("2", "Two.")]),
        ("1. He fell ill.\nDr. Roe came.\nSt. Orla has beds.\n\n2. Two.\n", [("1", "He fell ill. Dr. Roe came. St. Orla has beds."), ("2", "Two.")]),
    ],
)  # fmt: skip
def test_bodies(body: str, expected: list[tuple[str | None, str]]) -> None:
    assert texts(body + "\nLINDQVIST\n") == expected


def test_a_paper_with_a_year_is_no_cable() -> None:
    cable = parse_one(HEADER.replace("STATE 015084", "HEALTH MINISTRY REPORT 2009") + "1. One.\n\nOKAFOR\n")

    assert cable.references == ("09PORTSELWYN2139",)
    assert "REF: HEALTH MINISTRY REPORT 2009" in cable.handling


def test_numbering_that_restarts_under_an_outline() -> None:
    body = (
        "I.  BROAD ITEMS:\n\nNONE\n\nII.  ACTIONS:\n\nA.  MEETINGS\n\n1. One.\n\n2. Two.\n\nB.  COURSES\n\nNone\n\nC.  STATUS\n\n"
        "TRAINING:\n\n1. Drill.\n\nEQUIPMENT:\n\n1. Boats.\n2. Radios.\n\nIII.  FLAGS:\n\nNone\n"
    )

    cable = parse_one(HEADER + body + "\nLINDQVIST\n")

    assert [(p.section, p.paragraph, p.text) for p in cable.paragraphs] == [
        ("I", "0", "NONE"),
        ("II.A", "1", "One."),
        ("II.A", "2", "Two."),
        ("II.B", "0", "None"),
        ("II.C.TRAINING", "1", "Drill."),
        ("II.C.EQUIPMENT", "1", "Boats."),
        ("II.C.EQUIPMENT", "2", "Radios."),
        ("III", "0", "None"),
    ]
    assert cable.paragraphs[5].heading == "ACTIONS / STATUS / EQUIPMENT"


def test_words_cut_by_a_stray_break() -> None:
    lines = clean_lines(
        "It was a su\nstained attempt and the port was \nsold\nby the state to the highest \nbidder in town. \n"
    )

    assert (
        " ".join(" ".join(lines).split())
        == "It was a sustained attempt and the port was sold by the state to the highest bidder in town."
    )


def test_saved_html_page() -> None:
    page = f"""<html><head><script>var x = "1. no";</script></head><body><table class='cable'><tr><th>Reference ID</th><th>Created</th>
    <th>Released</th><th>Classification</th><th>Origin</th></tr><tr><td><a href='/x'>10PORTSELWYN270</a></td><td><a>2010-02-26 08:05</a></td>
    <td>2011-08-30 01:44</td><td>CONFIDENTIAL</td><td>Embassy Port Selwyn</td></tr></table>
    <pre>{HEADER.replace("&", "&amp;")}</pre><pre><a id='par1'>&para;</a>1.  (C) Fish &amp; chips.\n\n<a id='par2'>&para;</a>2.  Two.\n\nOKAFOR</pre></body></html>"""

    cables = [item for item in parse_html(page, "a.html") if isinstance(item, Cable)]

    assert [(c.reference_id, c.classification, c.signature) for c in cables] == [
        ("10PORTSELWYN270", "CONFIDENTIAL", "OKAFOR")
    ]
    assert [(p.paragraph, p.marking, p.text) for p in cables[0].paragraphs] == [
        ("1", "C", "Fish & chips."),
        ("2", None, "Two."),
    ]


def test_csv_row() -> None:
    body = 'UNCLAS PORT SELWYN 000270\n\nSIPDIS\n\nE.O. 12958: N/A\nTAGS: ECON\nSUBJECT: HERRING\n\n1. One "quoted" word.\n\nOKAFOR'
    row = [
        "7",
        "2/26/2010 8:05",
        "10PORTSELWYN270",
        "Embassy Port Selwyn",
        "UNCLASSIFIED",
        "09STATE12|bad",
        HEADER.split("UNCLAS")[0],
        body,
    ]

    cable = parse_row(row, "cablegate.csv", 9)

    assert isinstance(cable, Cable)
    assert (cable.subject, cable.references, cable.line) == ("HERRING", ("09STATE12",), 9)
    assert cable.sent == datetime(2010, 2, 26, 8, 5, tzinfo=UTC)
    assert [p.text for p in cable.paragraphs] == ['One "quoted" word.']
    assert parse_row(["1", "2"], "x.csv", 3) == Problem("x.csv", 3, "a row of 2 fields instead of 8")


def test_csv_file_escapes_and_bad_rows(tmp_path: Path) -> None:
    body = 'SUBJECT: HERRING\n\n1. He said \\"no\\" twice.\n\nOKAFOR'
    good = f'"1","2/26/2010 8:05","10PORTSELWYN270","Embassy Port Selwyn","UNCLASSIFIED","","head","{body}"\n'
    (tmp_path / "cablegate.csv").write_text(good + '"2","only three","fields"\n', encoding="utf-8")

    corpus = Corpus([tmp_path])
    cables = list(corpus)

    assert [p.text for c in cables for p in c.paragraphs] == ['He said "no" twice.']
    assert [(p.line, p.message) for p in corpus.problems] == [(8 - 3 + 1, "a row of 3 fields instead of 8")]


def test_problems_are_reported_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Dear diary,\nnothing here.\n")
    (tmp_path / "b.bin").write_bytes(b"\0\1")
    (tmp_path / "c.txt").write_text(HEADER + "1. Short.\n\nOKAFOR\n")
    (tmp_path / "d.txt").write_text(HEADER + "1. Longer by far.\n\nOKAFOR\n")
    (tmp_path / "e.txt").write_text("")

    corpus = Corpus([tmp_path])
    cables = list(corpus)

    assert [c.paragraphs[0].text for c in cables] == [
        "Short.",
        "Longer by far.",
    ]  # the fuller one comes last and is kept
    assert [(Path(p.source).name, p.line) for p in corpus.problems] == [
        ("a.txt", 1),
        ("b.bin", 1),
        ("d.txt", 1),
        ("e.txt", 1),
    ]
    assert corpus.problems[2].message.startswith("10PORTSELWYN270 stands also in ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09 Astana 02139", "09ASTANA2139"),
        ("09 SECSTATE 114836", "09STATE114836"),
        ("10ASTANA70", "10ASTANA70"),
        ("press", None),
        ("09X0", None),
    ],
)
def test_reference_ids(text: str, expected: str | None) -> None:
    assert normalise_reference_id(text) == expected


def expected_tables() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for file in sorted((Path(__file__).parent / "data").glob("sample_*.json")):
        rows += json.loads(file.read_text(encoding="utf-8"))
    return rows


def test_sample_corpus_against_its_authors_table() -> None:
    corpus = Corpus([SAMPLE])
    found = {
        cable.reference_id: {
            "reference_id": cable.reference_id, "sent": cable.sent.isoformat() if cable.sent else None, "origin": cable.origin,
            "classification": cable.classification, "subject": cable.subject, "tags": list(cable.tags),
            "references": list(cable.references), "signature": cable.signature,
            "paragraphs": [[p.section, p.paragraph] for p in cable.paragraphs],
        }
        for cable in corpus
    }  # fmt: skip

    assert corpus.problems == []
    assert len(found) >= 24
    assert sum(len(cable["paragraphs"]) for cable in found.values()) >= 250
    assert found == {row["reference_id"]: row for row in expected_tables()}


WORDS = [
    "harbor",
    "fishing",
    "council",
    "agreed",
    "minister",
    "water",
    "treaty",
    "winter",
    "delegates",
    "signed",
    "figures",
    "quota",
    "rose",
    "sharply",
    "during",
    "several",
    "talks",
]
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=4, max_size=14).map(lambda w: " ".join(w).capitalize() + ".")
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=5).map(" ".join)


@st.composite
def rendered(draw: st.DrawFn) -> tuple[str, list[tuple[str, str | None, str]]]:
    """A telegram's text with random accidents, and the paragraphs that it was made from."""
    width = draw(st.integers(52, 72))
    garbled = draw(st.booleans())
    lines: list[str] = []
    paragraphs = []
    for n, text in enumerate(draw(st.lists(PARAGRAPH, min_size=1, max_size=14)), 1):
        marking = draw(st.sampled_from([None, "U", "SBU", "C"]))
        paragraphs.append((str(n), marking, text))
        sign = draw(st.sampled_from(["1", "¶"])) if garbled else ""
        line = f"{sign}{n}. " + (f"({marking}) " if marking else "")
        if draw(st.integers(0, 3)) == 0:
            lines += [draw(st.sampled_from(["HARBOR TALKS", "...AND WHAT CAME OF THEM", '"NIGHT BOAT"'])), ""]
        own: list[str] = []
        for word in text.split():
            if len(line) + len(word) > width:
                own.append(line.rstrip() + " ")
                line = ""
            line += word + " "
        own.append(line.rstrip() + " ")
        page = draw(st.integers(0, 4 * len(own)))
        if 0 < page < len(own):
            own[page:page] = [" ", "PORT SELWYN 00000270  002.3 OF 002 ", " ", " "]
        cut = draw(st.integers(0, 4 * len(own)))
        if cut < len(own) and "OF 002" not in own[cut]:
            words = [w for w in own[cut].split() if len(w) > 5 and w.isalpha() and w.islower()]
            if words:
                at = own[cut].find(words[0]) + draw(st.integers(2, 4))
                own[cut : cut + 1] = [own[cut][:at], own[cut][at:]]
        lines += own
        if draw(st.integers(0, 5)):
            lines.append(" ")
    return HEADER + "\n".join(lines) + "\n\nLINDQVIST\n", paragraphs


def test_a_word_cut_in_a_cable_of_few_and_short_lines_is_made_whole() -> None:
    text = HEADER + "1. The council met. \n2. It spoke of fishing. The ha\nrbor was \nclosed. \n\nLINDQVIST\n"

    assert parse_one(text).paragraphs[1].text == "It spoke of fishing. The harbor was closed."


@settings(max_examples=150, deadline=None)
@given(rendered())
def test_a_rendered_cable_parses_back(case: tuple[str, list[tuple[str, str | None, str]]]) -> None:
    text, paragraphs = case

    assert [(p.paragraph, p.marking, p.text) for p in parse_one(text).paragraphs] == paragraphs


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_parsed_or_reported(text: str) -> None:
    for item in parse_text(text, "x.txt"):
        assert isinstance(item, Cable | Problem)
