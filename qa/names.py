"""The names of a text, and whether another text has them in some form: Iraq and Iraqi, an acronym and its words, a capital and its country.

Flows in: text. Flows out: names with their place, words. Knows nothing of statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from qa.numbers import figures

_NAME = re.compile(r"\b(?:[A-Z]\.)+[A-Z]?\b|\b(?:[dD]['’]|[A-Z]['’])?[A-ZÀ-Þ][\w]*(?:['’](?!s\b)\w+)?(?:-[A-ZÀ-Þ]\w*)*")
_LINK = re.compile(r"\s+(?:(?:of|the|de|la|du|von|van|al|bin)\s+){0,2}")
_WORD = re.compile(r"[^\W\d_]+(?:\.[^\W\d_])*\.?")
_SAYS = re.compile(
    r"(?:['’]s\b|\s+(?:said|says|told|thought|argued|noted|wrote|asked|believed|added|claimed|insisted|wanted|feared|hoped|admitted|denied|warned))"
)
_WARS = (
    r"\b(?:First World War|Great War|World War (?:I|One|1)\b|WWI\b|WW1\b)",
    r"\b(?:Second World War|World War (?:II|Two|2)\b|WWII\b|WW2\b)",
)
_AGENT = re.compile(r"(?:er|ers|ing|e|es|s)$")  # endings that make another word of one that is no name
_TITLES = frozenset([
    "mr", "mrs", "ms", "dr", "prof", "professor", "sir", "ambassador", "ambassadors", "president", "minister",
    "ministers", "ministry", "department", "government", "committee", "secretary", "embassy", "cable", "house",
    "state", "states", "council", "congress", "senate", "parliament", "chairman", "office", "chief", "deputy",
    "director", "governor", "general", "colonel", "bureau", "mission", "board", "court", "law", "act", "party",
    "commission", "union", "north", "south", "east", "west", "i", "foreign", "relations", "lord", "agency",
    "post", "college", "national", "federal", "international", "republic",
    "senator", "senators", "captain", "lieutenant", "major", "admiral",
    "justice", "judge", "premier", "affairs",
    "america", "american", "americans",  # the archive's own side, which its writers name by office: `Post`, `the Ambassador`, `we`
])  # fmt: skip
_OPENERS = frozenset([
    "the", "a", "an", "in", "on", "at", "by", "of", "for", "from", "to", "as", "if", "but", "and", "or", "when",
    "while", "where", "after", "before", "since", "during", "although", "though", "because", "both", "all", "some",
    "most", "many", "few", "several", "each", "every", "no", "not", "only", "even", "still", "yet", "it", "he", "she", "they",
    "we", "his", "her", "their", "its", "this", "that", "these", "those", "there", "here", "who", "what", "under",
    "over", "between", "among", "within", "without", "against", "until", "upon", "despite", "unlike", "like", "once",
    "besides", "having", "being", "with", "into", "out", "about", "then", "now", "later", "so", "nor", "thus", "hence", "meanwhile",
    "why", "how", "which", "whose", "whether",
])  # fmt: skip
_ENDINGS = frozenset([
    "", "s", "es", "i", "is", "n", "ns", "an", "ans", "ian", "ians", "a", "ia", "e", "y", "ies", "ish", "ic", "ical", "ics", "ese", "ist",
    "ists", "ism", "ite", "ites", "er", "ers", "ed", "ing", "al", "als", "ly", "stan", "stani", "stanis", "land", "lander", "landers", "ion",
    "ions", "ment", "istic", "ary", "ate", "ance", "ence", "ent", "ants", "ant", "ity", "ty", "d", "ial", "ional", "tic", "atic", "us", "iot", "nian", "o", "cy", "te", "acy", "tes", "cies",
])  # fmt: skip


def names(text: str) -> Iterator[tuple[int, str]]:
    """Where each name begins, and the name: capitalised words, linked by `of`, `the` and their like. The first word of the
    sentence counts only where another follows, or a verb of saying."""
    matches = list(_NAME.finditer(text))
    at = 0
    while at < len(matches):
        first = last = matches[at]
        while at + 1 < len(matches) and _LINK.fullmatch(text[last.end() : matches[at + 1].start()]):
            at += 1
            last = matches[at]
        at += 1
        name = text[first.start() : last.end()]
        opening = not re.search(r"\w", text[: first.start()])
        if opening and last is first and not _SAYS.match(text, last.end()) and not first[0].isupper():
            continue
        rest = name[len(first[0]) :]
        if opening and rest and (first[0].endswith("ing") or re.match(r"\s+(?:of|the)\s", rest)):
            name = rest.strip()  # `Fearing the Soviets`: the opening word is not of the name
        yield first.start(), name


def words_of(name: str) -> list[str]:
    """The words of a name that must stand in the source."""
    parts = [part for part in re.split(r"[\s-]+", name) if part[:1].isupper() or "'" in part]
    kept = [part for part in parts if part.lower().rstrip(".") not in _TITLES and len(part.rstrip(".")) > 1]
    return [re.sub(r"['’]s?$", "", part) for part in kept if part.lower() not in _OPENERS and not figures(part)]


@lru_cache(maxsize=32)
def capitalised(text: str) -> frozenset[str]:
    """Those words of a text that have a capital in it, as `vocabulary` gives them."""
    return frozenset(word.lower().replace(".", "") for word in _WORD.findall(text) if word[0].isupper())


@lru_cache(maxsize=32)
def vocabulary(text: str) -> frozenset[str]:
    """The words of a text in lower case, without the points of abbreviations."""
    return frozenset(word.lower().replace(".", "") for word in _WORD.findall(text))


def named(part: str, words: frozenset[str], capitals: frozenset[str]) -> bool:
    """Whether a word of a name stands among `words`, or another name of the same country does, or another form of it; of words without
    capitals only those that are made of a name's own (`Presidential` of `president`, but not `Porter` of `port`)."""
    plain = re.sub(r"^[dlo]'", "", part.lower().replace(".", "").replace("’", "'"))
    for name in {plain, plain.removesuffix("s"), plain.replace("'", ""), *_places().get(plain, ())}:
        if name.removesuffix("s") in words or all(word in words for word in name.split()):
            return True
    if len(plain) <= 3:
        return False
    return any(akin(plain, word) for word in capitals) or any(
        akin(plain, word) and not _AGENT.search(plain) for word in words - capitals
    )


def akin(a: str, b: str) -> bool:
    """Whether two words are forms of one: four letters at least are shared, and what follows them is an ending in both; but not
    where they name different countries."""
    shared = next((n for n, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
    places = _places()
    if a in places and b in places and not places[a] & places[b]:
        return False
    return any(a[n:] in _ENDINGS and b[n:] in _ENDINGS for n in range(max(4, shared - 2), shared + 1))


@lru_cache(maxsize=1)
def _places() -> dict[str, frozenset[str]]:
    """For each name of a country, its people or its capital all names of the same country, from `places.txt`."""
    found: dict[str, frozenset[str]] = {}
    for line in files("qa").joinpath("places.txt").read_text(encoding="utf-8").splitlines():
        group = frozenset(name.strip() for name in line.split(","))
        found |= {name: group | found.get(name, frozenset()) for name in group}
    return found


def spelled(name: str, source: str) -> bool:
    """Whether the name is an acronym of words of the source, or the source has the acronym of the name, or it is one of the world
    wars, which are counted in several ways."""
    if any(re.search(war, name) and re.search(war, source) for war in _WARS):
        return True
    letters = name.replace(".", "")
    if letters.isupper() and 1 < len(letters) < 8:
        runs = re.findall(r"[A-Z]\w*(?:[ -](?:(?:of|for|the|and|on|in) )*[A-Z]\w*)*", source)
        most = 2 * len(letters) + 4
        return any(
            words[at][0] == letters[0].lower() and _abbreviates(letters.lower(), words[at : at + most])
            for run in runs
            for words in [run.lower().replace("-", " ").split()]
            for at in range(len(words))
        )
    short = "".join(word[0] for word in name.split() if word[0].isupper())
    return len(short) > 2 and re.search(rf"\b{short}\b", source.replace(".", "")) is not None


def _abbreviates(letters: str, words: list[str]) -> bool:
    """Whether `letters` are those of the beginnings of `words`, in order, with or without one letter from inside each (`SEATO`:
    Southeast Asia Treaty Organization); small words between may have none."""
    if not letters:
        return True
    if not words:
        return False
    word, rest = words[0], words[1:]
    if word[0] == letters[0] and (
        _abbreviates(letters[1:], rest) or (letters[1:2] in word[1:] and _abbreviates(letters[2:], rest))
    ):
        return True
    return len(word) <= 3 and _abbreviates(letters, rest)
