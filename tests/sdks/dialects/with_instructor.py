"""Instructor over the openai SDK, against provider parts of every vendor."""

import sys
from typing import List

import instructor
import openai
from instructor.core import InstructorRetryException
from pydantic import BaseModel

import extract
from extract import Extractor

MESSAGES = [{"role": "system", "content": "Extract."}, {"role": "user", "content": "Ada is 36"}]


class Person(BaseModel):
    name: str
    age: int


class Team(BaseModel):
    title: str
    people: List[Person]


KINDS = {"person": Person, "team": Team, "list": List[str]}


class Instructor(Extractor):
    name = "instructor"

    def __init__(self, url):
        self.url = url

    def _client(self, mode, key="x"):
        sdk = openai.OpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0, timeout=30)
        return instructor.from_openai(sdk, mode=getattr(instructor.Mode, mode))

    def extract(self, mode, model, kind, retries, key="x"):
        got = self._client(mode, key).create(model=model, response_model=KINDS[kind],
                                             max_retries=retries, messages=list(MESSAGES))
        return {"content": list(got)} if kind == "list" else got.model_dump()

    def partial(self, mode, model, kind):
        seen = [part.model_dump_json() for part in self._client(mode).create_partial(
            model=model, response_model=KINDS[kind], max_retries=0, messages=list(MESSAGES))]
        return KINDS[kind].model_validate_json(seen[-1]).model_dump(), len(set(seen))

    def tenants(self, mode, models):
        return {tenant: self.extract(mode, model, "person", 0, "key-of-" + tenant)
                for tenant, model in models.items()}

    def fallback(self, mode, first, second):
        try:
            return self.extract(mode, first, "person", 0)
        except InstructorRetryException:
            return self.extract(mode, second, "person", 0)


if __name__ == "__main__":
    sys.exit(extract.run(Instructor, " ".join(sys.argv[1:])))
