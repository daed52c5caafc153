"""A transformers model, run in this process, as a llama-index LLM.

Flows in: a folder, or a name in the Hugging Face cache of this machine. Flows out: a `Transformer`. Nothing is downloaded.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, Self

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from pydantic import PrivateAttr

from index.embed import compute_dtype
from index.errors import ModelUnavailable


class Transformer(CustomLLM):
    """A causal language model with its tokenizer; bfloat16 where the machine is fast in it. Greedy: the same prompt, the
    same text. One answer at a time."""

    name: str
    max_tokens: int
    _model: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _turn: Any = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def load(cls, spec: str, name: str, max_tokens: int) -> Self:
        """Loads the weights (2 bytes a parameter in bfloat16, else 4); raises ModelUnavailable where they are not here."""
        import torch
        import transformers

        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, local_files_only=True)
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                name, local_files_only=True, dtype=compute_dtype()
            )
        except Exception as error:  # transformers raises whatever its parts raise
            reason = " ".join(str(error).split())[:160]
            raise ModelUnavailable(
                f"{spec}: no language model that transformers can load from {name!r} on this machine; nothing is downloaded. "
                f"Name its folder, or run `hf download {name}` first. ({type(error).__name__}: {reason})"
            ) from None
        model = model.to("cuda" if torch.cuda.is_available() else "cpu")
        llm = cls(name=name, max_tokens=max_tokens)
        llm._model, llm._tokenizer = model, tokenizer
        return llm

    @property
    def metadata(self) -> LLMMetadata:
        """What llama-index asks of a model."""
        return LLMMetadata(model_name=self.name, num_output=self.max_tokens, is_chat_model=True)

    def count_tokens(self, text: str) -> int:
        """The number of tokens of a text alone."""
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """The whole text that follows a prompt."""
        return CompletionResponse(text="".join(piece.delta or "" for piece in self._pieces(prompt, threading.Event())))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """The text that follows a prompt, as it is made."""
        return self._pieces(prompt, threading.Event())

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """The reply, as it is made; generation stops when the reader goes away."""
        stop = threading.Event()
        pieces = self._pieces(self._prompt(messages), stop)

        async def replies() -> ChatResponseAsyncGen:
            try:
                while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                    yield ChatResponse(message=ChatMessage(role="assistant", content=piece.text), delta=piece.delta)
            finally:
                stop.set()

        return replies()

    def _prompt(self, messages: Sequence[ChatMessage]) -> str:
        rows = [{"role": message.role.value, "content": message.content} for message in messages]
        if self._tokenizer.chat_template:
            return str(self._tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=True))
        return "\n\n".join(str(row["content"]) for row in rows) + "\n\nAnswer:"

    def _pieces(self, prompt: str, stop: threading.Event) -> CompletionResponseGen:
        import torch
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        special = not self._tokenizer.chat_template  # a chat template writes the special tokens itself
        inputs = self._tokenizer(prompt, return_tensors="pt", add_special_tokens=special, verbose=False)
        inputs = {name: inputs[name].to(self._model.device) for name in ("input_ids", "attention_mask")}
        streamer: Any = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        failed: list[Exception] = []

        def generate() -> None:
            def stopped(ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((ids.shape[0],), stop.is_set(), device=ids.device)

            try:
                with self._turn, torch.inference_mode():
                    self._model.generate(
                        **inputs, max_new_tokens=self.max_tokens, do_sample=False, temperature=None, top_p=None, top_k=None,
                        streamer=streamer, stopping_criteria=StoppingCriteriaList([stopped]),
                        pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                    )  # fmt: skip
            except Exception as error:  # told to whoever reads the pieces
                failed.append(error)
                streamer.end()

        thread = threading.Thread(target=generate, daemon=True)
        thread.start()
        said = ""
        try:
            for piece in streamer:
                said += piece
                yield CompletionResponse(text=said, delta=piece)
        finally:
            stop.set()
            thread.join()
        if failed:
            raise failed[0]
