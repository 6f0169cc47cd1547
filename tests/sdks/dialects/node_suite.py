"""SDKs for Node, the same cells: `node_suite.py SUITE NODE FOLDER [CELLS]`, the folder with the worker
and its packages."""

import base64
import json
import os
import subprocess
import sys

import cells
from cells import WEATHER, Sdk


class NodeSdk(Sdk):
    """Asks the worker, which does one thing at a time."""

    def __init__(self, url):
        self.worker = subprocess.Popen(
            [sys.argv[2], "worker.mjs"], cwd=sys.argv[3], env=dict(os.environ, WEIR_URL=url),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.worker.stdin.close()
        try:
            self.worker.wait(5)
        except subprocess.TimeoutExpired:
            self.worker.kill()
            self.worker.wait()

    def _tell(self, what, model, streamed, asked):
        asked = dict(asked, weather=WEATHER)
        if "image" in asked:
            asked["image"] = base64.b64encode(asked["image"]).decode()
        self.worker.stdin.write(json.dumps({
            "sdk": self.key, "what": what, "model": model, "streamed": streamed,
            "asked": asked}) + "\n")
        self.worker.stdin.flush()
        said = json.loads(self.worker.stdout.readline() or '{"error": "the worker is gone"}')
        if "error" in said:
            raise AssertionError(said["error"])
        return said

    def ask(self, model, streamed, asked):
        return self._tell("ask", model, streamed, asked)["answer"]

    def failed(self, model, streamed):
        return self._tell("fail", model, streamed, {})["status"]

    def leave(self, model):
        self._tell("leave", model, True, {})


class Anthropic(NodeSdk):
    name, key, statuses = "node anthropic", "anthropic", {503: 529}


class Genai(NodeSdk):
    name, key = "node genai", "genai"


class Ollama(NodeSdk):
    name, key = "node ollama", "ollama"


class Responses(NodeSdk):
    name, key = "node openai-responses", "responses"


class Chat(NodeSdk):
    name, key = "node openai-chat", "chat"


class Ai(NodeSdk):
    name, key = "node ai", "ai"


# By the folder with their packages.
SUITE_OF = {"dialects": "node-dialects", "ai": "node-ai"}
SUITES = {"dialects": [Anthropic, Genai, Ollama, Responses, Chat], "ai": [Ai]}

if __name__ == "__main__":
    passed, failed, skipped = cells.run(SUITE_OF[sys.argv[1]], SUITES[sys.argv[1]],
                                        " ".join(sys.argv[4:]))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed or not passed else 0)
