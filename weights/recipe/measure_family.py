"""What the small members of BLIP's family, and the decoder-only one, say of held-out scenes.

    python measure_family.py itm|caption|lm|seed --model DIR --pictures DIR --out FILE.json --answers FILE.json

Accuracy by the trainers' own functions on files read back by transformers; `--answers`: a few answers by transformers' plain interface,
one at a time, for others to compare with.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipForQuestionAnswering,
)

import train
import train_caption
import train_itm
import train_lm
from chat import Suffixes
from frozen import Pictures
from scenes import TASKS, pixels, read_lines, read_pictures
from sentences import asked


def held_out(directory: Path, count: int):
    lines = {task: read_lines(directory, task)[:count] for task in TASKS}
    test = Pictures(directory, dict.fromkeys(TASKS, 0))
    test.pixels = {task: read_pictures(directory, task)[: 2 * count] for task in TASKS}
    return test, lines


def look(model, test: Pictures):
    with torch.no_grad():
        for task, some in test.pixels.items():
            parts = [model.vision_model(pixels(some[at : at + 100])).last_hidden_state for at in range(0, len(some), 100)]
            test.seen[task] = torch.cat(parts).numpy()


def itm(args):
    model, processor = BlipForImageTextRetrieval.from_pretrained(args.model).eval(), AutoProcessor.from_pretrained(args.model)
    test, lines = held_out(args.pictures / "test", args.scenes)
    look(model, test)
    world = train_itm.World(test, processor.tokenizer, None)
    accuracy = train_itm.accuracy(model, world, test, lines)

    def answer(picture, line):
        texts = [asked(line, "this")[1].format(word) for word in line["answers"]]
        found = []
        for text in texts:
            given = processor(images=picture, text=text, return_tensors="pt")
            logits = model(**given).itm_score[0].tolist()
            found.append(dict(text=text, logits=logits, similarity=model(**given, use_itm_head=False).itm_score.item()))
        return found

    return accuracy, test, lines, answer


def caption(args):
    model, processor = BlipForConditionalGeneration.from_pretrained(args.model).eval(), AutoProcessor.from_pretrained(args.model)
    test, lines = held_out(args.pictures / "test", args.scenes)
    look(model, test)
    world = train_caption.World(test, processor.tokenizer, None)
    facts = {task: read_lines(args.pictures / "facts", task)[: args.scenes] for task in TASKS}
    accuracy = train_caption.accuracy(model, world, test, lines, facts)

    def answer(picture, line):
        found = []
        for prompt in ("", "a picture of", asked(line)[0]):
            given = processor(images=picture, text=prompt or None, return_tensors="pt")
            said = model.generate(**given, max_length=20)[0]
            found.append(dict(prompt=prompt, text=processor.decode(said, skip_special_tokens=True)))
        return found

    return accuracy, test, lines, answer


def lm(args):
    model, processor = AutoModelForImageTextToText.from_pretrained(args.model).eval(), AutoProcessor.from_pretrained(args.model)
    test, lines = held_out(args.pictures / "test", args.scenes)
    clean = Pictures(args.pictures / "test", dict.fromkeys(TASKS, 0))
    clean.lines, clean.pixels = lines, {task: some[::2] for task, some in test.pixels.items()}
    accuracy = train_lm.accuracy(model, Suffixes(processor.tokenizer), clean)

    def answer(picture, line):
        content = [{"type": "image"}, {"type": "text", "text": line["question"]}]
        prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        given = processor(text=prompt, images=[picture], return_tensors="pt")
        ids = [processor.tokenizer(f" {word}")["input_ids"][0] for word in line["answers"]]
        logits = model(**given).logits[0, -1, ids].tolist()
        said = model.generate(**given, max_new_tokens=8, do_sample=False)[0, given["input_ids"].shape[1] :]
        text = processor.decode(said, skip_special_tokens=True)
        return dict(question=line["question"], answers=line["answers"], logits=logits, text=text)

    return accuracy, test, lines, answer


def seed(args):
    model, processor = BlipForQuestionAnswering.from_pretrained(args.model).eval(), AutoProcessor.from_pretrained(args.model)
    test, lines = held_out(args.pictures / "test", args.scenes)
    accuracy = train.accuracy(model, processor.tokenizer, args.pictures / "test", args.scenes)

    def answer(picture, line):
        given = processor(images=picture, text=line["question"], return_tensors="pt")
        said = model.generate(**given, max_new_tokens=8)[0]
        images = model.vision_model(given["pixel_values"]).last_hidden_state
        start = torch.tensor([[model.config.text_config.bos_token_id]])
        ids = processor.tokenizer.convert_tokens_to_ids(line["answers"])
        logits = train.answer_logits(model, images, given["input_ids"], start, 1)[0, -1, ids].tolist()
        text = processor.decode(said, skip_special_tokens=True)
        return dict(question=line["question"], answers=line["answers"], logits=logits, text=text)

    return accuracy, test, lines, answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("itm", "caption", "lm", "seed"))
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=2000, help="of each task")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    accuracy, test, lines, answer = {"itm": itm, "caption": caption, "lm": lm, "seed": seed}[args.kind](args)
    args.out.write_text(json.dumps({"seed": 1000, "scenes": args.scenes, **accuracy}, indent=1) + "\n")
    print(json.dumps(accuracy))
    with torch.no_grad():
        some = [
            dict(task=task, index=i, said=answer(Image.fromarray(test.pixels[task][2 * i]), lines[task][i]))
            for task in TASKS
            for i in range(3)
        ]
    args.answers.write_text(json.dumps(some, indent=1) + "\n")


if __name__ == "__main__":
    main()
