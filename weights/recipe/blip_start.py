"""What the trained BLIP for questions lends to the other members of its family."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BlipConfig


def config(folder: Path, tokenizer, name: str) -> BlipConfig:
    """The shape of `folder`'s model with another vocabulary. Ids of special tokens stand where `generate` looks for them."""
    made = BlipConfig.from_pretrained(folder)
    ids = {f"{one}_token_id": tokenizer.convert_tokens_to_ids(token) for one, token in
           (("bos", "[DEC]"), ("eos", "[SEP]"), ("sep", "[SEP]"), ("pad", "[PAD]"))}
    for key, value in ids.items():
        setattr(made.text_config, key, value)
    made.text_config.vocab_size = len(tokenizer)
    made.architectures = [name]
    made.vlm_notice_note = None
    return made


@torch.no_grad()
def begin_with(model, folder: Path, renamed: dict[str, str], tokenizer):
    """Copies every tensor of `folder` that `renamed` (prefix there -> prefix here) finds a place for; rows of words by word."""
    lent, own = load_file(folder / "model.safetensors"), model.state_dict()
    words = (folder / "vocab.txt").read_text().split()
    rows = torch.tensor(tokenizer.convert_tokens_to_ids(words))
    copied = set()
    for name, value in lent.items():
        for there, here in renamed.items():
            target = here + name[len(there) :]
            if not name.startswith(there) or target not in own:
                continue
            if value.shape == own[target].shape:
                own[target].copy_(value)
            else:
                own[target][rows] = value  # a row (or an entry) a word
            copied.add(target)
    return sorted(set(own) - copied)
