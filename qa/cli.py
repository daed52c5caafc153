"""The commands of `cable-qa`, each a few lines; heavy modules are imported by the command that needs them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from index.cable import Citation, Paragraph
from index.errors import CableQAError, InputError, ModelUnavailable, NotInIndex
from qa.opening import DEFAULT_INDEX, build_index, folder_of, open_or_build, parse_filters

if TYPE_CHECKING:
    from qa.result import Answer


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Exit code 0: done; 1: a requirement failed or a claim is unsupported; 2: the input is at fault."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    try:
        args = _parser().parse_args(argv)
        _check_text(args)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except CableQAError as error:
        print(f"cable-qa: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("cable-qa: stopped; what is done is kept, and the same command goes on from here", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    """Errors of the call are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{' '.join(message.split())}. See `{self.prog} --help`.")


def _check_text(args: argparse.Namespace) -> None:
    """Raises InputError where an argument is not UTF-8, other than the name of a file to index."""
    for name, value in vars(args).items():
        for text in value if isinstance(value, list) else [value]:
            try:
                str(text if name != "paths" else "").encode()
            except UnicodeEncodeError:
                raise InputError(f"The argument {text!a} is not UTF-8. Write it so, and call again.") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 upwards")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cable-qa", description="Ask questions of an archive of diplomatic cables, and check the answers."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    index, model, where, as_json = (_Parser(add_help=False) for _ in range(4))
    index.add_argument("--index", metavar="DIR", help=f"index folder (default: $CABLE_QA_INDEX or {DEFAULT_INDEX})")
    model.add_argument(
        "--model",
        metavar="SPEC",
        default=os.environ.get("CABLE_QA_MODEL") or "quotes",
        help="quotes, openai:NAME, ollama:NAME, anthropic:NAME, gguf:PATH or hf:NAME_OR_PATH",
    )
    where.add_argument(
        "--filter", action="append", default=[], metavar="NAME=VALUE", dest="filters",
        help="origin=, classification=, tag=, from=YYYY-MM-DD, to=YYYY-MM-DD, cable=REFERENCE_ID; repeatable, of one name (but a day) any will do",
    )  # fmt: skip
    as_json.add_argument("--json", action="store_true", help="JSON on stdout")

    def command(name: str, run: Any, help: str, *parents: _Parser) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, parents=[index, *parents])
        sub.set_defaults(run=run)
        return sub

    sub = command("index", _index, "read cables from files and folders, and make or update the index")
    sub.add_argument("paths", nargs="+", metavar="PATH")
    sub.add_argument(
        "--embedding-model", metavar="MODEL", help="a sentence-transformers folder or name (default: all-MiniLM-L6-v2)"
    )
    sub = command("ask", _ask, "answer a question, or a file of questions", model, where, as_json)
    sub.add_argument("question", nargs="?", metavar="QUESTION")
    sub.add_argument("--batch", metavar="IN.jsonl")
    sub.add_argument("--out", metavar="OUT.jsonl")
    sub.add_argument(
        "--export", metavar="FILE", help="keep the answer: Markdown (.md), or a bundle that `check` verifies (.json)"
    )
    sub = command("search", _search, "the paragraphs nearest to a query, best first", where, as_json)
    sub.add_argument("query", metavar="QUERY")
    sub.add_argument("-k", type=_count, default=20, help="how many (default: 20)")
    sub = command("show", _show, "a cable, or a paragraph of it", as_json)
    sub.add_argument("reference_id", metavar="REFERENCE_ID")
    sub.add_argument("paragraph", nargs="?", metavar="PARAGRAPH", help="24, II.A.2 or header")
    sub = command(
        "check", _check, "check a text that cites cables, sentence by sentence, or an exported bundle", as_json
    )
    sub.add_argument("text_file", metavar="TEXT_FILE")
    sub = command("evaluate", _evaluate, "run a golden set, or compare two runs of it", model, as_json)
    sub.add_argument("golden", nargs="?", metavar="GOLDEN.jsonl")
    sub.add_argument("--out", metavar="RUN_DIR", help="where the run, or the comparison, is written")
    sub.add_argument("--require", action="append", default=[], metavar="NAME>=X", help="exit 1 where a figure is less")
    sub.add_argument("--judge", metavar="SPEC", help="let a language model judge the answers too; as --model")
    sub.add_argument("--compare", nargs=2, metavar=("RUN_A", "RUN_B"), help="what changed from run A to run B")
    golden = commands.add_parser("golden", help="draft a golden set, or check one").add_subparsers(
        required=True, metavar="draft|check"
    )
    sub = golden.add_parser("draft", help="propose questions over a sample of paragraphs", parents=[index, model])
    sub.add_argument("--out", required=True, metavar="DRAFT.jsonl")
    sub.add_argument("--count", type=int, default=20, metavar="N", help="how many questions (default: 20)")
    sub.add_argument("--seed", type=int, default=0, help="which paragraphs are drawn (default: 0)")
    sub.set_defaults(run=_golden_draft)
    sub = golden.add_parser("check", help="what is doubtful about a golden set, and how hard it is", parents=[index])
    sub.add_argument("golden", metavar="GOLDEN.jsonl")
    sub.set_defaults(run=_golden_check)
    sub = command("serve", _serve, "open the app in the browser", model)
    sub.add_argument("--host", default="127.0.0.1")
    sub.add_argument("--port", type=int, default=7860)
    return parser


def _index(args: argparse.Namespace) -> int:
    print(build_index([Path(path) for path in args.paths], folder_of(args), args.embedding_model))
    return 0


def _ask(args: argparse.Namespace) -> int:
    if args.batch:
        if args.export:
            raise InputError("--export keeps one answer; --batch writes its own with --out.")
        from qa.cli_batch import batch

        return batch(args, lambda: open_or_build(args))
    if not args.question:
        raise InputError(
            'ask needs a question, or --batch IN.jsonl --out OUT.jsonl. Example: cable-qa ask "Who signed 09X1?"'
        )
    where = parse_filters(args.filters)
    qa = open_or_build(args)
    answer = qa.answer(args.question, where=where)
    if args.json:
        _print_json(answer.as_json())
    else:
        print("\n".join(_lines(answer)))
    if args.export:
        from qa.bundle import export
        from qa.conversation import Exchange
        from qa.provenance import made_with

        export(qa.store, [Exchange(args.question, answer, made_with=made_with(qa))], Path(args.export))
    return 0


def _lines(answer: Answer) -> Iterable[str]:
    yield answer.answer
    if answer.citations:
        yield ""
    for one in answer.citations:
        yield f"[{one.number}] {one.citation}"
    for statement in answer.statements:
        if statement.verdict != "supported":
            yield f"({statement.verdict}: {statement.text[:60]!r}; {'; '.join(statement.problems) or 'not in the cited paragraphs'})"
    for marker, reason in answer.rejected_citations:
        yield f"(citation {marker} was left out: {reason})"


def _search(args: argparse.Namespace) -> int:
    from qa.question import read_question

    where = parse_filters(args.filters)
    qa = open_or_build(args)
    rows = []
    try:
        hits = qa.search(args.query, args.k, where)
    except NotInIndex as error:
        print(f"cable-qa: {error} These are the nearest paragraphs.", file=sys.stderr)
        hits = qa.nearest(read_question(args.query), args.k, where)
    for hit in hits:
        paragraph = qa.store.paragraph(hit.citation)
        rows.append(_row(hit.citation, paragraph) | {"score": round(hit.score, 4)})
        if not args.json:
            print(f"{hit.score:8.3f}  {hit.citation}  {' '.join(paragraph.text.split())[:100]}")
    if args.json:
        _print_json(rows)
    return 0


def _row(citation: Citation, paragraph: Paragraph) -> dict[str, Any]:
    return {
        "reference_id": citation.reference_id,
        "section": citation.section,
        "paragraph": citation.paragraph,
        "text": paragraph.text,
    }


def _paragraph_json(paragraph: Paragraph) -> dict[str, Any]:
    return {name: getattr(paragraph, name) for name in ("section", "paragraph", "heading", "marking", "text")}


def _show(args: argparse.Namespace) -> int:
    from index.store import Store

    with Store.open(folder_of(args)) as store:
        cable = store.cable(args.reference_id)
        if args.paragraph:
            section, _, number = args.paragraph.removeprefix("¶").rpartition(".")
            found = store.paragraph(Citation(cable.reference_id, section or None, number))
            if args.json:
                _print_json({"reference_id": cable.reference_id, **_paragraph_json(found)})
            else:
                print(found.text)
            return 0
    if args.json:
        _print_json({
            "reference_id": cable.reference_id,
            "sent": f"{cable.sent:%Y-%m-%dT%H:%M:%SZ}" if cable.sent else None,
            "origin": cable.origin, "classification": cable.classification, "subject": cable.subject, "tags": list(cable.tags),
            "references": list(cable.references), "signature": cable.signature,
            "paragraphs": [_paragraph_json(paragraph) for paragraph in cable.paragraphs],
        })  # fmt: skip
        return 0
    print(cable.header.text)
    heading = None
    for paragraph in cable.paragraphs:
        if paragraph.heading and paragraph.heading != heading:
            print(f"\n{paragraph.heading}")
        heading = paragraph.heading
        label = cable.citation(paragraph).label
        print(
            f"\n{'¶' + label + ' ' if label else ''}{'(' + paragraph.marking + ') ' if paragraph.marking else ''}{paragraph.text}"
        )
    return 0


def _check(args: argparse.Namespace) -> int:
    from qa.cli_check import check

    return check(args, folder_of(args))


def _evaluate(args: argparse.Namespace) -> int:
    from qa.cli_evaluate import evaluate

    return evaluate(args, lambda: open_or_build(args))


def _golden_draft(args: argparse.Namespace) -> int:
    from qa.cli_golden import draft

    return draft(args, folder_of(args))


def _golden_check(args: argparse.Namespace) -> int:
    from qa.cli_golden import check

    return check(args, folder_of(args))


def _serve(args: argparse.Namespace) -> int:
    from app import serve

    try:
        qa, missing = open_or_build(args), ""
    except ModelUnavailable as error:
        missing = f"{error} Until then answers are quotes."
        print(f"cable-qa: {missing}", file=sys.stderr)
        args.model = "quotes"
        qa = open_or_build(args)
    try:
        serve(qa, args.host, args.port, missing)
    except (OSError, OverflowError):
        raise InputError(
            f"The page cannot be served at {args.host}:{args.port}: the port is taken, or the address is none of this machine's. "
            "Name another --port or --host."
        ) from None
    return 0


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    sys.exit(main())
