"""The table of requests: every recorded request, sent through its dialect towards every provider
part. It reaches that upstream as a valid request of its API with the same digest, or with a warning
that names what was dropped; to its own API, with nothing lost.
"""

import json
import re

import dialects
import records
import request_rules
import short
from books import Table
from dialects import Incomplete
from digest import (asked_chat, asked_gemini, asked_messages, asked_ollama, asked_responses,
                    valid_request)

TITLE = "requests"

# What validity says of calls and results that are no pairs: if the application did not pair them,
# nobody can.
_PAIRING = re.compile(r"results|no call|waits")
FILTERED = "own, filtered"

FORMS = {
    records.CHAT: (asked_chat, valid_request.chat),
    records.RESPONSES: (asked_responses, valid_request.responses),
    records.MESSAGES: (asked_messages, valid_request.messages),
    "gemini": (asked_gemini, valid_request.gemini),
    records.OLLAMA: (asked_ollama, valid_request.ollama),
}

# What only its owner can read: without it the request makes no sense, and it may be refused.
BOUND = ("file_id", "fileUri", "file_uri", "vector_store_ids", "previous_response_id", "conversation",
         "item_reference", "cachedContent", "container", "prompt", "compaction", "audio",
         "background")


def table(all_records):
    rows = [row for own in (False, True) for api in records.ROWS
            for row in [("own " if own else "") + api]
            if any(record.row == row and record.request_recorded for record in all_records)]
    return Table(TITLE, rows, list(FORMS) + [FILTERED])


def dialect_of(record):
    array = record.form == "gemini" and ":stream" in record.path and "alt=sse" not in record.path
    return next(column for column in dialects.COLUMNS
                if column.form == record.form and column.array == array)


def expected_native(record, body):
    """What its own API is sent of a request.

    The gateway changes nothing but this: usage is asked for in streams of Chat Completions, and a
    model that Gemini has in the body as well is the one in the path.
    """
    body = dict(body)
    if record.form == "gemini" and "model" in body:
        body["model"] = "models/" + record.id
    if record.form == records.CHAT:
        if body.get("stream"):
            options = body.get("stream_options")
            body["stream_options"] = dict(options or {}, include_usage=True)
        if isinstance(body.get("provider"), str):
            del body["provider"]          # addressed to the gateway
    return body


class Asks:
    def __init__(self, stage):
        self.stage = stage

    def columns(self, record):
        if record.request_recorded:
            for form in FORMS:
                yield form, form, False
            yield FILTERED, record.form, True

    def cell(self, record, target, filtered):
        dialect = dialect_of(record)
        body = dict(record.request)
        if record.form != "gemini":
            body["model"] = record.id
        streamed = ":stream" in record.path if record.form == "gemini" else \
            body.get("stream", record.form == records.OLLAMA)
        try:
            self.stage.replay.asked.pop(record.id, None)
            reply = self.stage.ask(dialect, target, record.id, bool(streamed), body, filtered)
            asked = self.stage.replay.asked.pop(record.id, [])
            return self._judge(record, target, filtered, body, reply, asked)
        except (OSError, Incomplete, ValueError, KeyError, TypeError, AttributeError) as error:
            if self.stage.ended():
                raise SystemExit("a gateway is gone, at %s > %s:\n%s" % (
                    record.id, target, self.stage.ended())) from None
            return ["%s: %s" % (type(error).__name__, error)]

    def _judge(self, record, target, filtered, body, reply, asked):
        if not asked:
            return self._refused(record, target, filtered, body, reply)
        first = asked[0]
        form = short.form_of(first.path)
        if form != target:
            return ["the upstream was asked for %s" % first.path]
        problems = []
        if "app-key-of-the-wire-tests" in json.dumps(first.headers) + first.path:
            problems.append("the application's key reached the vendor")
        if reply.status != 200 or reply.cut:
            problems.append("status %d: %.200r" % (reply.status, reply.body))
        sent = first.json()
        if target == record.form and not filtered:
            wanted = expected_native(record, body)
            if sent != wanted:
                problems.append("not as it was: " + request_rules.unlike(wanted, sent))
            return problems
        return problems + self._translated(record, target, body, sent, reply, len(asked))

    @staticmethod
    def _refused(record, target, filtered, body, reply):
        """A request that its own vendor refused may be refused here; one that needs what only its
        owner has may be, elsewhere, by name."""
        text = reply.body.decode("utf-8", "replace")
        if record.failed and 400 <= reply.status < 500:
            return []
        words = json.dumps(body)
        bound = [name for name in BOUND if '"%s"' % name in words]
        # Content that the target cannot have may be refused as well, by name.
        messages = FORMS[record.form][0].digest(body).messages
        content = {atom[1] for atom in messages} | \
            {part[0] for atom in messages if atom[1] == "result" for part in atom[3]}
        bound += [word for kind in content & {"image", "audio", "file"}
                  for word in request_rules.WORDS[kind] if word in text]
        if messages and messages[-1][0] == "assistant" and "prefill" in text:
            return []                     # an answer that is to be gone on with
        several = body.get("n") or (body.get("generationConfig") or {}).get("candidateCount") or 1
        if (target != record.form or filtered) and 400 <= reply.status < 500 and (
                any(name in text for name in bound) or bound and "id" in text or several > 1):
            return []
        return ["refused with %d: %.250s" % (reply.status, text)]

    def _translated(self, record, target, body, sent, reply, times):
        digest, _ = FORMS[record.form]
        read, valid = FORMS[target]
        told, said = digest.digest(body), read.digest(sent)
        problems = []
        # What was no request of its own API need not be one of another.
        if not record.failed and (target != record.form or not FORMS[record.form][1](body)):
            own = FORMS[record.form][1](body)
            unpaired = any(_PAIRING.search(what) for what in own)
            problems += [what for what in valid(sent)
                         if not (unpaired and _PAIRING.search(what))]
        warnings = None
        for loss in request_rules.differences(record.form, target, told, said):
            if loss.what.startswith("n: ") and times == told.params.get("n"):
                continue                  # as many requests as answers were wanted
            if loss.words and warnings is None:
                warnings = self.stage.warnings(reply).lower()
            if not (loss.words and loss.told(warnings)):
                problems.append(loss.what + (" (not warned of)" if loss.words else ""))
        if problems and (warnings or self.stage.warnings(reply)):
            problems.append("it was warned of " + (warnings or self.stage.warnings(reply)))
        return problems
