"""The `caption` stage: one question per item; the answer becomes a field, and the item keeps its media.

Answers are stored one by one (`Work.answers`), so no question is sent again after a process or pod was killed. A stored
answer is used even if the budget is spent.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from reelmill.contract.counters import StageCounter
from reelmill.contract.errors import ItemError, SpecError
from reelmill.contract.reasons import ItemReason
from reelmill.contract.spec.field_types import seconds
from reelmill.contract.spec.stages.caption import CaptionBlock
from reelmill_stages.item_errors import failed
from reelmill_stages.listed_order import listed_order
from reelmill_stages.model_servers.client import ModelClient
from reelmill_stages.stage import DataSetReader, Done, File, Input, NewItem, Result, Skipped, Stage, Work
from reelmill_stages.stages.caption.answer import text_of, tokens, validator, value_of
from reelmill_stages.stages.caption.pictures import parts
from reelmill_stages.stages.caption.question import Question, question, request
from reelmill_stages.stages.caption.view import CAPTIONS, write_captions
from reelmill_stages.weight import Weight

_ROW_BYTES = 1500


class CaptionStage(Stage):
    """Asks a model on a server about items.

    Reasons: those of decoding; `no_field`, `server_busy`, `server_failed`, `request_rejected`, `answer_refused`,
    `answer_cut`, `bad_answer`; skipped `budget`.
    """

    alone = True
    asks = True
    pace = 0.5
    block: CaptionBlock

    def check(self) -> None:
        validator(self.block)

    def check_server(self) -> None:
        self._client.check(self.block.model, listed=self.block.server.check_model)

    def process(self, group: Sequence[Input], work: Work) -> Sequence[Result]:
        return [self._process_input(given, work) for given in group]

    def present(self, data: DataSetReader, view: Mapping[str, Any]) -> Iterator[File]:
        path = data.scratch / CAPTIONS
        write_captions(path, listed_order(data.items()), self.block.field)
        yield File(CAPTIONS, path)

    def forecast(self, items: int, weight: Weight) -> int | None:
        return items * _ROW_BYTES

    def _process_input(self, given: Input, work: Work) -> Result:
        limit = self.block.limits.tokens
        try:
            asked = question(given.item, self.block)
            kept = work.answers.find(asked.identity)
            if kept is None and limit and not work.answers.allows(StageCounter.TOKENS, limit):
                return Skipped(ItemReason.BUDGET, f"the limit of {limit} tokens is reached")
            if kept is None:
                kept = work.answers.keep(asked.identity, self._ask_server(asked, given, work))
            return self._done(given, json.loads(kept))
        except ItemError as error:
            return failed(error)

    def _ask_server(self, asked: Question, given: Input, work: Work) -> str:
        """Ask the server, and return the answer in its stored form. Its cost counts even if it is invalid."""
        body = request(asked, parts(given.item, work, self.block), self.block)
        response = self._client.post("/chat/completions", json=body)
        cost = tokens(response)
        work.answers.spend(cost)
        if self.block.limits.tokens and StageCounter.TOKENS not in cost:
            raise SpecError(
                "the server does not report token counts (usage), so limits.tokens cannot be enforced",
                where=self.block.server.url,
                hint="remove limits.tokens, or make the server report usage",
            )
        value = value_of(text_of(response), self._answer_validator)
        self._caption_text(value)
        return json.dumps({"value": value, "cost": {str(name): count for name, count in cost.items()}})

    def _done(self, given: Input, kept: Mapping[str, Any]) -> Done:
        item, value, cost = given.item, kept["value"], kept["cost"]
        fields = {**item.fields, self.block.field: value}
        if (text := self._caption_text(value)) is not None:
            fields["text"] = text
        made = NewItem(
            key=item.key,
            group=item.group,
            weight=item.weight,
            media=item.media,
            fields=fields,
            provenance={
                "params": self.block.canonical(),
                **({"replaced": item.fields[self.block.field]} if self.block.field in item.fields else {}),
                **cost,
                **({"from": dict(item.provenance)} if item.provenance else {}),
            },
        )
        counted = f"{cost.get('prompt_tokens', '?')} + {cost.get('answer_tokens', '?')} tokens"
        return Done((made,), message=counted)

    def _caption_text(self, value: Any) -> str | None:
        """Return the text of `textProperty`, or None without one. Raises ItemError: `bad_answer`."""
        name = self.block.text_property
        if name is None:
            return None
        text = value.get(name) if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise ItemError(ItemReason.BAD_ANSWER, f"the answer has no text {name!r}")
        return text

    @cached_property
    def _answer_validator(self) -> Any:
        return validator(self.block)

    @cached_property
    def _client(self) -> ModelClient:
        return ModelClient(self.block.server, seconds(self.block.timeout))
