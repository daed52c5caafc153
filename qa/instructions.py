"""Text of a cable that speaks to a language model: found, and kept from it.

Flows in: a paragraph, or a statement that a model wrote. Flows out: the text without orders and control tokens; whether a
statement carries markup. A list of patterns finds what is written plainly, not everything: what a model writes is
verified all the same.
"""

from __future__ import annotations

import re

from index.passage import sentences

LEFT_OUT = "[...]"
REACH = 2  # sentences after an order that are left out with it

_ASSISTANT = r"assistant\b(?! (?:to|for|of|in|secretar|attorney|commissioner|minister|director|chief|professor|administrator|deputy|prosecutor|manager|editor|inspector|commander|U\.?S))"  # no office
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|prompts?|(?:your|these|those|all|any|previous|prior|earlier|above|system|safety) (?:\w+ )?(?:rules?|guidelines)|(?:rules?|guidelines|directives) above|passages?)\b"
    rf"|\b(?:you are|you're|act as|pretend to be|behave as)\b.{{0,40}}\b(?:{_ASSISTANT}|(?:chatbot|AI|language model|AI model|LLM|jailbroken|unrestricted)\b)"
    rf"|(?:\b(?:language model|LLM|chatbot|AI (?:assistant|model|system)|summari[sz]er)s?\b|(?:^\W*|\b(?:any|every|all|helpful|reading|dear) ){_ASSISTANT}|\bassistants\b(?= reading| processing)).{{0,40}}\b(?:must|should|shall|will|is to|are to|has to|have to|reading|processing)\b"
    r"|\bassistants? (?:must|should|shall|will|is to|are to|has to|have to) (?:always |only |now )?(?:say|answer|reply|respond|claim|state|write|print|output|ignore|tell|cite|mention|repeat)\b"
    r"|\b(?:attention|note to|dear|hey|hello)\b[ ,:]*(?:the |any |all )?(?:language model|LLM|chatbot|AI|assistant|model)\b"
    r"|^\W*(?:(?:new|updated|system|developer|admin|hidden|secret|important)\s+)*(?:system|assistant|developer|prompt|instructions?)(?:\s+(?:prompt|message|override|update|note))?\s*[\]>|*#]*\s*:"
    r"|<\|?/?\s*(?:im_start|im_end|system|assistant|user|start_of_turn|end_of_turn|begin_of_text|eot_id|start_header_id|INST|endoftext)\b|\[/?\s*(?:INST|SYSTEM|ASSISTANT)\b|<</?SYS"
    r"|\b(?:your|the final|this|each|every) (?:answer|reply|response|output|summary)\b.{0,30}\b(?:with|must|should|include|contain|end|begin|start|only)\b"
    r"|\b(?:in|to|at the end of|into) (?:your|the final) (?:answer|reply|response|output|summary)\b"
    r"|\bnew (?:task|instructions?|prompt)\b\W{0,3}:|\bnew conversation\b|\b(?:hidden|secret) (?:note|message|instructions?)\b.{0,40}:|[\"'](?:statements|cannot_answer)[\"']\s*:"
    r"|\b(?:tell|inform|assure) the (?:reader|user)\b|\bcite this (?:passage|paragraph)\b"
    r"|^\W*(?:just|only|simply|instead,?) (?:say|print|reply|respond|answer|write)\b"
    r"|\b(?:when|if) (?:you (?:are )?)?(?:asked|summari[sz]ing|answering|replying|queried)\b[^,.]{0,60}[, ]\s*(?:you )?(?:must |should |always |only |just |then |please )*(?<!not )(?<!to )(?:say|answer|reply|respond|claim|state|write|print|output)\b(?! (?:department|secretary|official))"
    r"|^\W*(?:please |now |then |just |only |instead,? )*(?:say|print|output|repeat|respond|reply|answer|cite|render|execute|reveal)\b"
    r"(?:\s+(?:with|that|to \w+ with))?(?:\s*[\"“'‘]|.{1,60}\b(?:only|exactly|verbatim|nothing else|nothing but|word for word|instead)\b)",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(r"<(?=[|/!?A-Za-z])|\[(?=/?(?:INST|SYS))", re.IGNORECASE)
_BRACKETED = re.compile(r"[\[【](\s*\d{1,3}(?:\s*[,;-]\s*\d{1,3})*\s*)[\]】]")
_MARKUP = re.compile(r"<\s*/?\s*[A-Za-z!][^>]*>?|!?\[[^\]]*\]\([^)]*\)|\bjavascript:|\bon\w+\s*=", re.IGNORECASE)


def without_orders(text: str) -> str:
    """`text` with each sentence that gives orders to a language model, and the next two on its line, replaced by `[...]`."""
    out, at, line_end, left = [], 0, -1, 0
    for start, end in sentences(text):
        if start > line_end:
            line_end = text.find("\n", start) % (len(text) + 1)
            left = 0
        if _ORDER.search(text[start:end]):
            left = REACH + 1
        if left:
            left -= 1
            out += [text[at:start], LEFT_OUT]
            at = end
    whole = "".join([*out, text[at:]])
    return re.sub(rf"{re.escape(LEFT_OUT)}(?:\s*{re.escape(LEFT_OUT)})+", LEFT_OUT, whole)


def as_data(text: str) -> str:
    """A text as a model is shown it: no orders, no control tokens, and no numbers in brackets that look like its keys."""
    return without_control(_BRACKETED.sub(r"(\1)", without_orders(text)))


def without_control(text: str) -> str:
    """`text` in which no chat template's control token is whole any more: `<|im_start|>` -> `< |im_start|>`."""
    return _CONTROL.sub(lambda match: match[0] + " ", text)


def has_markup(statement: str) -> bool:
    """Whether a statement holds HTML, a script, or a markdown link or image: a sentence that is meant to be read has none."""
    return _MARKUP.search(statement) is not None
