"""What a case is a test of, in the words of the matrix (tests/MATRIX.md): read off the digests that judge
it. A mark is (dialect, provider API, feature, streamed); `streamed` is None where it makes no
difference."""

import re

import asks
import dialects
import malformed
from answers import Answers
from asks import Asks

SAMPLING = {"temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "logit_bias"}
REASONING = {"effort", "budget", "summary"}
FINISH = {"length": "cut short by a limit", "content_filter": "content filter",
          "refusal": "refusal", "stop_sequence": "stop sequences"}
BY_PARAM = {"seed": "seed", "stop": "stop sequences", "max_tokens": "token limit",
            "n": "several answers", "logprobs": "logprobs", "service_tier": "service tier",
            "user": "user, metadata", "metadata": "user, metadata"}
BY_ATOM = {("system", "text"): "system message", ("assistant", "text"): "several turns",
           ("user", "image"): "images in", ("user", "audio"): "audio in",
           ("user", "file"): "documents in", ("assistant", "call"): "tool results",
           ("assistant", "reasoning"): "reasoning sent back"}
# What the digests of answers do not read: its own dialect gets it byte for byte, and only that is said.
VERBATIM = {
    "citations": rb'"(annotations|citations|citationSources|groundingChunks)": ?\[ ?\{',
    "images out": rb'"image_generation_call"|"mimeType": ?"image/',
    "audio out": rb'"response.audio.delta"|"mimeType": ?"audio/|"audio": ?\{',
    "tools run by the vendor": rb'"(server_tool_use|web_search_call|code_interpreter_call|'
                               rb'file_search_call|mcp_call|mcp_tool_use)"|"executableCode"',
    "logprobs": rb'"(logprobs|logprobsResult)": ?[\[{] ?["{]'}
SERVER_TOOL = re.compile(r"/tools/\d+(/codeExecution|/googleSearch|/google_search)?")


def of_answer(record):
    """Features of what a vendor answered."""
    if record.broken:
        return {"answers that break off"}
    told = dialects.FORMS[record.form].digest(record.status, record.content_type, record.body)
    if record.failed:
        return {"errors"}
    if told.error:
        return {"errors inside an answer"}
    answer, out = told.plain(), set()
    for choice in answer["choices"]:
        out |= {"text"} if choice["text"] else set()
        out |= {"reasoning"} if choice["reasoning"] else set()
        out |= {"refusal"} if choice["refusal"] else set()
        out |= {"tool calls"} if choice["calls"] else set()
        out |= {"parallel tool calls"} if len(choice["calls"]) > 1 else set()
        out |= {FINISH[choice["finish"]]} if choice["finish"] in FINISH else set()
    if len(answer["choices"]) > 1:
        out.add("several answers")
    if answer["usage"]["output"] is not None:
        out.add("usage")
    if answer["usage"]["cached"]:
        out.add("cached tokens")
    return out


def of_bytes(record):
    """What else is in an answer that was good."""
    good = not record.failed and not record.broken
    return {name for name, form in VERBATIM.items() if good and re.search(form, record.body)}


def of_request(record):
    """Features of what an application asked."""
    told = asks.FORMS[record.form][0].digest(record.request)
    out = {BY_ATOM[atom[0], atom[1]] for atom in told.messages if (atom[0], atom[1]) in BY_ATOM}
    out |= {BY_PARAM[name] for name in told.params if name in BY_PARAM}
    if any(atom[1] == "result" and atom[4] for atom in told.messages):
        out.add("failed tool results")
    if SAMPLING & set(told.params):
        out.add("sampling")
    if REASONING & set(told.params):
        out.add("reasoning")
    if told.tools:
        out.add("tool calls")
    if told.choice is not None:
        out.add("tool choice")
    if told.format is not None:
        out.add("JSON mode" if told.format == "json" else "JSON schema")
    if any(SERVER_TOOL.fullmatch(pointer) for pointer in told.others):
        out.add("tools run by the vendor")
    if any("cache_control" in pointer for pointer in told.others):
        out.add("cache control")
    return out


def answer_marks(record):
    """Column -> marks of a case in the table of answers."""
    out = {}
    for column, dialect, filtered in Answers(None).columns(record):
        found = of_answer(record)
        if dialect.own(record) and not filtered:
            found = found | of_bytes(record)
        out[column] = {(dialect.form, record.form, feature, record.streamed) for feature in found}
    return out


def request_marks(record):
    """The same in the table of requests."""
    out = {}
    for column, target, _ in Asks(None).columns(record):
        out[column] = {(record.form, target, feature, None) for feature in of_request(record)}
    return out


def malformed_marks(record):
    """The same in the table of malformed streams, of which each is played to its own dialect."""
    if not malformed.applies(record):
        return {}
    return {kind: {(record.form, record.form, "answers that break off", True)}
            for kind in malformed.KINDS[:2]}


TABLES = {"answers": answer_marks, "requests": request_marks, "malformed": malformed_marks}


def marks(all_records):
    """Every mark that our own cases make."""
    return {mark for record in all_records if record.own for of in TABLES.values()
            for column in of(record).values() for mark in column}


def confirm(tables, all_records):
    """Faults: marks of which not one case passes. `tables`: played whole."""
    cases, passed = {record.id: record for record in all_records if record.own}, set()
    for table in tables:
        for pair, cells in table.cells.items():
            column = pair.rpartition(" > ")[2]
            for ident, (state, _) in cells.items():
                if ident in cases and state == "passed" and table.title in TABLES:
                    passed |= TABLES[table.title](cases[ident]).get(column, set())
    return ["the matrix says that %s > %s is tested for %s%s, and no case of it passes" % (
        dialect, form, feature, "" if streamed is None else " (%s)" %
        ("stream" if streamed else "whole"))
        for dialect, form, feature, streamed in sorted(marks(all_records) - passed, key=str)]
