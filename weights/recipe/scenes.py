"""The rendered pictures and their questions as arrays, in the form that the model reads them."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import BertTokenizerFast, BlipImageProcessor, BlipProcessor

TASKS = ("attributes", "actions", "faces")
SIDE = 64
PROCESSOR = BlipImageProcessor(size={"height": SIDE, "width": SIDE})  # bicubic, /255, CLIP's mean and deviation


def processor(vocabulary: Path) -> BlipProcessor:
    tokenizer = BertTokenizerFast(str(vocabulary), do_lower_case=True, bos_token="[DEC]", model_max_length=32)
    return BlipProcessor(PROCESSOR, tokenizer)


def pixels(pictures: np.ndarray) -> torch.Tensor:
    """uint8 [batch, 64, 64, 3] -> float32 [batch, 3, 64, 64]: what BlipImageProcessor makes of them at this size."""
    mean, std = torch.tensor(PROCESSOR.image_mean), torch.tensor(PROCESSOR.image_std)
    values = torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255
    return ((values - mean) / std).permute(0, 3, 1, 2).contiguous()


def read_pictures(directory: Path, task: str) -> np.ndarray:
    return np.fromfile(directory / f"{task}.bin", dtype=np.uint8).reshape(-1, SIDE, SIDE, 3)


def read_lines(directory: Path, task: str) -> list[dict]:
    return [json.loads(line) for line in (directory / f"{task}.jsonl").open()]


def through_file(picture: np.ndarray, as_fer: bool) -> np.ndarray:
    """The picture as it comes back from a JPEG; `as_fer`: from a grey one of 48x48, as facial-expression data sets have."""
    image = Image.fromarray(picture)
    if as_fer:
        image = image.convert("L").resize((48, 48), Image.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return np.asarray(Image.open(file).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC))


class Questions:
    """All questions about the pictures of one task as padded token ids."""

    def __init__(self, lines: list[dict], tokenizer: BertTokenizerFast, length: int):
        texts = [q["question"] for line in lines for q in line["questions"]]
        answers = [q["answer"] for line in lines for q in line["questions"]]
        unique = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        encoded = tokenizer(list(unique), padding="max_length", max_length=length, return_tensors="np")["input_ids"]
        self.ids = encoded[[unique[text] for text in texts]].astype(np.int64)  # [question, length]
        self.answers = np.array(tokenizer.convert_tokens_to_ids(answers))  # [question]
        self.first = np.cumsum([0] + [len(line["questions"]) for line in lines])  # [picture + 1]


class Objects:
    """What there is to know about the object that each patch shows, as known and true columns for a linear head."""

    def __init__(self, directory: Path, lines_by_task: dict[str, list[dict]]):
        objects = [one for lines in lines_by_task.values() for line in lines for one in line["objects"]]
        facts = {fact for one in objects for fact in one.items()}
        columns = {fact: i for i, fact in enumerate(sorted(facts))}
        self.count = len(columns)
        siblings: dict[str, list[int]] = {}
        for (name, _), i in columns.items():
            siblings.setdefault(name, []).append(i)
        self.patches, self.known, self.true = {}, {}, {}
        for task, lines in lines_by_task.items():
            shown = np.fromfile(directory / f"{task}.patches.bin", dtype=np.uint8)
            self.patches[task] = shown.reshape(-1, SIDE // 8, SIDE // 8)
            known = np.zeros((len(lines), 4, self.count), np.uint8)  # [picture, background and up to three objects, column]
            true = np.zeros_like(known)
            for row, line in enumerate(lines):
                for i, one in enumerate(line["objects"]):
                    for fact in one.items():
                        known[row, i + 1, siblings[fact[0]]] = 1
                        true[row, i + 1, columns[fact]] = 1
            self.known[task], self.true[task] = known, true

    def of(self, task: str, rows: np.ndarray, flips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Known and true columns of every patch, [picture, patch, column]; `flips`: the picture is reflected."""
        shown = self.patches[task][rows]
        shown[flips] = shown[flips][:, :, ::-1]
        at = np.arange(len(rows))[:, None], shown.reshape(len(rows), -1)
        return self.known[task][rows][at], self.true[task][rows][at]
