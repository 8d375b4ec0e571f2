"""The words of weights/scenes-lm: a byte-level tokenizer in which every word of the scenes is one piece, SmolVLM's template and
processor, and questions as the ids that follow the picture."""

import re
from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Idefics3ImageProcessor, Idefics3Processor, PreTrainedTokenizerFast

import positions  # noqa: F401
from scenes import SIDE



IMAGE_TOKENS = 16
END, PAD, IMAGE, FAKE, GLOBAL = "<end_of_utterance>", "<|endoftext|>", "<image>", "<fake_token_around_image>", "<global-img>"
SPECIALS = [PAD, "<|im_start|>", "<|im_end|>", FAKE, IMAGE, GLOBAL, END]
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
PREFIX = f"<|im_start|>User:{FAKE}{GLOBAL}{IMAGE * IMAGE_TOKENS}{FAKE}"
FRAME = f"{END}\nAssistant:"


def tokenizer(vocabulary: Path) -> PreTrainedTokenizerFast:
    words = [word for word in vocabulary.read_text().split() if re.fullmatch("[a-z]{2,}", word)]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096, min_frequency=1, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator([f" {word}" for word in words] + ["is", "User", "Assistant"], trainer)
    bpe.add_special_tokens([AddedToken(one, special=True, normalized=False) for one in SPECIALS])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|im_start|>",
        eos_token=END,
        pad_token=PAD,
        unk_token=PAD,
        additional_special_tokens=[FAKE, IMAGE, GLOBAL, END],
        model_max_length=256,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
        chat_template=TEMPLATE,
    )


def processor(vocabulary: Path) -> Idefics3Processor:
    side = {"longest_edge": SIDE}
    images = Idefics3ImageProcessor(size=side, max_image_size=side, do_image_splitting=False)  # Lanczos, mean and deviation 0.5
    return Idefics3Processor(images, tokenizer(vocabulary), image_seq_len=IMAGE_TOKENS, chat_template=TEMPLATE)


class Suffixes:
    """In the place of a tokenizer for `Questions`: the ids after the picture, with room for the answer; answers by first piece."""

    def __init__(self, words: PreTrainedTokenizerFast):
        self.words = words
        self.prefix = words(PREFIX)["input_ids"]

    def __call__(self, texts, padding=None, max_length=None, return_tensors=None):
        encoded = self.words([text + FRAME for text in texts])["input_ids"]
        ids = np.full((len(texts), max_length), self.words.pad_token_id)
        for row, one in zip(ids, encoded):
            row[: len(one)] = one
        return {"input_ids": ids}

    def convert_tokens_to_ids(self, answers):
        ids = [self.words(f" {answer}")["input_ids"] for answer in answers]
        assert all(len(one) == 1 for one in ids)
        return [one[0] for one in ids]
