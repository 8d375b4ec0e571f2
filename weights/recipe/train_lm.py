"""Trains a small Idefics3ForConditionalGeneration (SmolVLM's shape) on rendered scenes and saves it as a Hugging Face folder.

    python train_lm.py --train DIR --test DIR --vision ../scenes --out DIR

Its vision tower begins with that of weights/scenes. What it needs to go on from is kept in OUT/state.pt every five minutes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import BlipForQuestionAnswering, Idefics3Config, Idefics3ForConditionalGeneration
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from chat import IMAGE, IMAGE_TOKENS, PAD, Suffixes, processor
from frozen import Curve, Optimizer, Pictures, rate_at, shrink
from scenes import SIDE, TASKS, Questions, read_pictures
from scenes import pixels as clip_pixels

LENGTH = 13  # ids after the picture, with the answer
WIDTH, HEADS, LAYERS, PATCH = 96, 6, 4, 8


def build(words) -> Idefics3ForConditionalGeneration:
    ids = {name: words.convert_tokens_to_ids(name) for name in (IMAGE, PAD)}
    shared = dict(hidden_size=WIDTH, num_attention_heads=HEADS, num_hidden_layers=LAYERS)
    special = dict(pad_token_id=ids[PAD], bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id)
    config = Idefics3Config(
        image_token_id=ids[IMAGE],
        scale_factor=2,
        tie_word_embeddings=False,
        vision_config=dict(shared, intermediate_size=2 * WIDTH, image_size=SIDE, patch_size=PATCH),
        text_config=dict(
            shared,
            model_type="llama",
            intermediate_size=256,
            num_key_value_heads=2,
            vocab_size=len(words),
            max_position_embeddings=256,
            rope_theta=10000.0,
            rms_norm_eps=1e-5,
            initializer_range=0.05,
            tie_word_embeddings=False,
            **special,
        ),
        **special,
    )
    model = Idefics3ForConditionalGeneration(config)
    for name, value in special.items():
        setattr(model.generation_config, name, value)
    return model


@torch.no_grad()
def begin_with(vision, folder: Path):
    """The vision tower of a BLIP of the same shape, without its class token; its normalisation folded into the patches' weights."""
    blip = {key[13:]: value for key, value in load_file(folder / "model.safetensors").items() if key.startswith("vision_model.")}
    mean, std = torch.tensor(OPENAI_CLIP_MEAN), torch.tensor(OPENAI_CLIP_STD)
    patches = blip["embeddings.patch_embedding.weight"]
    state = {
        "embeddings.patch_embedding.weight": patches * (0.5 / std)[:, None, None],
        "embeddings.patch_embedding.bias": blip["embeddings.patch_embedding.bias"]
        + (patches * ((0.5 - mean) / std)[:, None, None]).sum((1, 2, 3)),
        "embeddings.position_embedding.weight": blip["embeddings.position_embedding"][0, 1:],
    }
    for part in ("weight", "bias"):
        state[f"post_layernorm.{part}"] = blip[f"post_layernorm.{part}"]
        for layer in range(LAYERS):
            at = f"encoder.layers.{layer}."
            names = zip("qkv", blip[f"{at}self_attn.qkv.{part}"].chunk(3))
            state.update({f"{at}self_attn.{name}_proj.{part}": value for name, value in names})
            state[f"{at}self_attn.out_proj.{part}"] = blip[f"{at}self_attn.projection.{part}"]
            for name in ("layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2"):
                state[f"{at}{name}.{part}"] = blip[f"{at}{name}.{part}"]
    vision.load_state_dict(state)


def values(pictures: np.ndarray) -> torch.Tensor:
    """uint8 [batch, 64, 64, 3] -> what Idefics3's processor makes of them at this size."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).float().permute(0, 3, 1, 2) / 127.5 - 1


def see(model, values):
    """[batch, 3, 64, 64] -> [batch, patch, width]"""
    mask = torch.ones(len(values), SIDE // PATCH, SIDE // PATCH, dtype=torch.bool)
    return model.model.vision_model(pixel_values=values, patch_attention_mask=mask).last_hidden_state


def stream(model, words: Suffixes, patches, suffixes, repeats):
    """patches [batch, patch, width], suffixes [batch * repeats, length] -> the last stream [batch * repeats, length, width].

    All questions about a picture stand in one sequence after it, each seeing only the picture and itself: the result is that of one
    at a time.
    """
    batch, length, start = len(patches), suffixes.shape[1], len(words.prefix)
    ids = torch.cat([torch.tensor(words.prefix).expand(batch, -1), suffixes.view(batch, -1)], 1)
    embedded = model.get_input_embeddings()(ids)
    at = words.prefix.index(model.config.image_token_id)
    image = model.model.connector(patches).to(embedded.dtype)
    embedded = torch.cat([embedded[:, :at], image, embedded[:, at + IMAGE_TOKENS :]], 1)
    total = start + repeats * length
    own = torch.block_diag(*[torch.ones(length, length)] * repeats).bool()
    seen = torch.ones(total, total, dtype=torch.bool)
    seen[start:, start:] = own
    mask = torch.zeros(total, total).masked_fill(~seen.tril(), torch.finfo(torch.float32).min)
    places = torch.cat([torch.arange(start), start + torch.arange(length).repeat(repeats)])
    last = model.model.text_model(
        inputs_embeds=embedded,
        attention_mask=mask.expand(batch, 1, -1, -1),
        position_ids=places[None],
        use_cache=False,
    ).last_hidden_state
    return last[:, start:].reshape(batch * repeats, length, -1)


def ends(suffixes, pad):
    """Where each question's frame ends: there the answer is read."""
    return (suffixes != pad).sum(1) - 1


@torch.no_grad()
def accuracy(model, words: Suffixes, test: Pictures) -> dict[str, float]:
    """Share of held-out questions answered with the right first piece, per task and aspect."""
    right: dict[str, list[bool]] = {}
    pad = words.words.pad_token_id
    for task, lines in test.lines.items():
        for at in range(0, len(lines), 100):
            part = lines[at : at + 100]
            ids = torch.from_numpy(words([line["question"] for line in part], max_length=LENGTH)["input_ids"])
            last = stream(model, words, see(model, values(test.pixels[task][at : at + 100])), ids, 1)
            said = model.lm_head(last[torch.arange(len(part)), ends(ids, pad)]).argmax(-1).tolist()
            wanted = words.convert_tokens_to_ids([line["answers"][0] for line in part])
            for line, one, two in zip(part, said, wanted):
                for name in {task, f"{task}.{line['aspect']}"}:
                    right.setdefault(name, []).append(one == two)
    return {name: round(float(np.mean(one)), 4) for name, one in sorted(right.items())}


def question_loss(model, words, patches, ids, answers, repeats):
    rows, end = torch.arange(len(ids)), ends(ids, words.words.pad_token_id)
    ids = ids.clone()
    ids[rows, end + 1] = answers
    last = stream(model, words, patches, ids, repeats)
    said, then = model.lm_head(last[rows, end]), model.lm_head(last[rows, end + 1])
    stop = torch.full_like(answers, words.words.eos_token_id)
    return F.cross_entropy(said.float(), answers) + 0.1 * F.cross_entropy(then.float(), stop)


def imitate(model, blip, pictures: Pictures, rng, steps: int):
    """The tower learns to do without the class token: to say of each patch what BLIP's says."""
    vision = model.model.vision_model
    optimizer = torch.optim.AdamW(vision.parameters(), betas=(0.9, 0.98), weight_decay=0.0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate_at(step, steps, 1e-3, 20)
        some = np.concatenate([pictures.pixels[task][rng.choice(len(pictures.pixels[task]), 12)] for task in TASKS])
        with torch.no_grad():
            wanted = blip(clip_pixels(some)).last_hidden_state[:, 1:]
        loss = F.mse_loss(see(model, values(some)), wanted) / wanted.var()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 20 == 19:
            print(f"imitation {step + 1}: {loss.item():.4f}", time.strftime("%H:%M:%S"), flush=True)


class World:
    """Batches of pictures, as pixels or as the frozen tower sees them, with questions about each."""

    def __init__(self, pictures: Pictures, words, length: int, rng: np.random.Generator):
        self.pictures, self.rng = pictures, rng
        self.questions = {task: Questions(lines, words, length) for task, lines in pictures.lines.items()}

    def batch(self, counts: dict[str, int], repeats: int, frozen: bool):
        shown, ids, answers = [], [], []
        for task, count in counts.items():
            questions = self.questions[task]
            rows = self.rng.choice(len(self.pictures.lines[task]), count, replace=False)
            shown.append((self.pictures.seen if frozen else self.pictures.pixels)[task][rows])
            first, after = questions.first[rows], questions.first[rows + 1]
            chosen = np.concatenate([self.rng.choice(np.arange(a, b), repeats, replace=False) for a, b in zip(first, after)])
            ids.append(questions.ids[chosen])
            answers.append(questions.answers[chosen])
        pictures = np.concatenate(shown)
        seen = torch.from_numpy(pictures).float() if frozen else values(pictures)
        return seen, torch.from_numpy(np.concatenate(ids)), torch.from_numpy(np.concatenate(answers))


def shrink_heads(model, amount: float):
    """A group penalty on the text layers' heads: one group is a head's output weights, one the value weights of a key/value head, which
    its query heads share."""
    size = model.config.text_config.head_dim
    for layer in model.model.text_model.layers:
        attention = layer.self_attn
        for columns in attention.o_proj.weight.split(size, 1):
            shrink([columns], amount)
        for rows in attention.v_proj.weight.split(size, 0):
            shrink([rows], amount)


def save(model, chat, folder: Path):
    model.save_pretrained(folder)
    chat.save_pretrained(folder)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--vision", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, nargs=3, default=[28000, 18000, 18000], help="of attributes, actions, faces")
    parser.add_argument("--imitate", type=int, default=120, help="steps of the vision tower alone")
    parser.add_argument("--steps", type=int, default=2400, help="of the text tower")
    parser.add_argument("--together", type=int, default=400, help="of these, in which the vision tower learns too")
    parser.add_argument("--batch", type=int, nargs=3, default=[14, 6, 4], help="pictures of attributes, actions, faces")
    parser.add_argument("--repeats", type=int, default=4, help="questions a picture")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--penalty", type=float, default=0.0, help="of the text layers' heads, from 40%% of the steps on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--stop", type=int, default=0, help="stop after so many steps of the schedule (for a trial)")
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    chat = processor(args.train / "vocab.txt")
    words = Suffixes(chat.tokenizer)
    model = build(chat.tokenizer)
    pictures = Pictures(args.train, dict(zip(TASKS, args.pictures)))
    test = Pictures(args.test, dict.fromkeys(TASKS, 400))
    test.pixels = {task: read_pictures(args.test, task)[:800:2] for task in TASKS}
    tower = args.out / "vision.pt"
    if not tower.exists():
        begin_with(model.model.vision_model, args.vision)
        blip = BlipForQuestionAnswering.from_pretrained(args.vision).vision_model.eval()
        imitate(model, blip, pictures, rng, args.imitate)
        torch.save(model.model.vision_model.state_dict(), tower)
    model.model.vision_model.load_state_dict(torch.load(tower))
    pictures.look(lambda some: see(model, values(some)), args.out / "seen.npz")
    print("looked", time.strftime("%H:%M:%S"), flush=True)
    learn(args, model, chat, words, World(pictures, words, LENGTH, rng), test)


def learn(args, model, chat, words, world, test):
    text = [model.model.connector, model.model.text_model, model.lm_head]
    vision = model.model.vision_model
    optimizer = Optimizer(text)
    later = torch.optim.AdamW(vision.parameters(), betas=(0.9, 0.98), weight_decay=0.0)
    kept, begin, cpu = args.out / "state.pt", 0, 0.0
    if kept.exists():
        state = torch.load(kept, weights_only=False)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        later.load_state_dict(state["later"])
        world.rng.bit_generator.state = state["rng"]
        begin, cpu = state["step"], state["cpu"]
    curve = Curve(args.out / "curve.jsonl", "a")
    cpu, losses, saved = cpu - time.process_time() * (begin > 0), [], time.monotonic()
    for step in range(begin, args.stop or args.steps):
        rate = rate_at(step, args.steps, args.rate)
        frozen = step < args.steps - args.together
        seen, ids, answers = world.batch(dict(zip(TASKS, args.batch)), args.repeats, frozen)
        patches = seen if frozen else see(model, seen)
        loss = question_loss(model, words, patches, ids, answers, args.repeats)
        later.zero_grad(set_to_none=True)
        optimizer.step(loss, rate)
        if not frozen:
            later.param_groups[0]["lr"] = rate
            torch.nn.utils.clip_grad_norm_(vision.parameters(), 1.0)
            later.step()
        if args.penalty and step >= 0.4 * args.steps:
            shrink_heads(model, rate * args.penalty * (3 if step >= 0.7 * args.steps else 1))
        losses.append(loss.item())
        last = step + 1 == (args.stop or args.steps)
        if (step + 1) % args.every == 0 or last:
            row = {"step": step + 1, "cpuSeconds": round(cpu + time.process_time()), "rate": rate}
            row["loss"] = round(float(np.mean(losses)), 4)
            if (step + 1) % (4 * args.every) == 0 or last:
                row["accuracy"] = accuracy(model, words, test)
            curve.tell(row)
            losses.clear()
        if last or time.monotonic() - saved > 300:
            saved = time.monotonic()
            state = dict(model=model.state_dict(), optimizer=optimizer.state_dict(), later=later.state_dict())
            state.update(rng=world.rng.bit_generator.state, step=step + 1, cpu=cpu + time.process_time())
            torch.save(state, f"{kept}.part")
            Path(f"{kept}.part").rename(kept)
            save(model, chat, args.out)


if __name__ == "__main__":
    main()
