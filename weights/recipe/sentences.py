"""Sentences that are true of a scene, the same with one word that makes them false, and captions: all from what the renderer says of its
objects, in the words of the scenes and four more."""

import re
from pathlib import Path

import numpy as np

MORE = ["picture", "photo", "of", "that"]
ADJECTIVES = ("size", "form", "texture", "colour")


def vocabulary(scenes: Path, to: Path) -> Path:
    """weights/scenes' vocabulary with four words more, before the start tokens."""
    words = scenes.read_text().split()
    to.write_text("\n".join([*words[:-2], *MORE, *words[-2:]]) + "\n")
    return to


class Words:
    """Every word that a scene can have, by what it says."""

    def __init__(self, lines_by_task: dict[str, list[dict]]):
        found: dict[str, set[str]] = {}
        for lines in lines_by_task.values():
            for line in lines:
                for one in line["objects"]:
                    for name, word in one.items():
                        found.setdefault(name, set()).add(word)
        self.of = {name: sorted(words) for name, words in found.items()}

    def other(self, rng, name: str, true: set[str]) -> str:
        return str(rng.choice([word for word in self.of[name] if word not in true]))


def fact(line: dict) -> dict:
    """Subject, verb and object, or an expression, as one dictionary."""
    return {name: word for one in line["objects"] for name, word in one.items()}


def pair(rng, task: str, line: dict, words: Words, whole: bool) -> tuple[str, str]:
    """A true sentence and one that differs in a single word, which is false. `whole`: of shapes, all that is so."""
    if task == "attributes":
        return shape_pair(rng, line["objects"], words, whole)
    said = fact(line)
    name = str(rng.choice(list(said)))
    wrong = {**said, name: words.other(rng, name, {said[name]})}
    say = action(rng) if task == "actions" else face(rng)
    return say.format(**said), say.format(**wrong)


def end(rng) -> str:
    return "." if rng.random() < 0.7 else ""


def action(rng) -> str:
    forms = ["a {subject} is {verb} a {object}", "a {subject} {verb} a {object}", "a picture of a {subject} {verb} a {object}"]
    forms += ["a photo of a {subject} {verb} a {object}", "{subject} {verb} {object}", "the {subject} is {verb} the {object}"]
    return str(rng.choice(forms, p=[0.4, 0.15, 0.15, 0.1, 0.1, 0.1])) + end(rng)


def face(rng) -> str:
    forms = ["this person is feeling {expression}", "a picture of a {expression} person", "a photo of a {expression} person"]
    forms += ["a {expression} person", "this person is {expression}"]
    return str(rng.choice(forms, p=[0.4, 0.15, 0.15, 0.15, 0.15])) + end(rng)


def shape_pair(rng, shapes: list[dict], words: Words, whole: bool) -> tuple[str, str]:
    shape = shapes[rng.integers(len(shapes))]
    name = str(rng.choice([*ADJECTIVES, "noun"], p=[0.18, 0.28, 0.22, 0.18, 0.14]))
    true = {one["noun"] for one in shapes} if name == "noun" else {shape[name]}
    wrong = {**shape, name: words.other(rng, name, true)}
    if whole:
        say = " and ".join("a {size} {form} {texture} {colour} {noun}" if one is shape else phrase(one) for one in shapes)
    elif rng.random() < 0.3 and name != "noun":
        say = "this {noun} is {%s}" % name
    else:
        named = [one for one in ADJECTIVES if one == name or rng.random() < 0.25] or ["colour"]
        say = " ".join(["a", *("{%s}" % one for one in named), "{noun}"])
    start = rng.choice(["", "a picture of ", "a photo of "], p=[0.6, 0.2, 0.2]) if not say.startswith("this") else ""
    say = f"{start}{say}{end(rng)}"
    return say.format(**shape), say.format(**wrong)


def phrase(shape: dict) -> str:
    return "a {size} {form} {texture} {colour} {noun}".format(**shape)


def caption(rng, task: str, line: dict) -> tuple[str, str]:
    """A prompt (may be empty) and what comes after it."""
    prompt = str(rng.choice(["a picture of", "a photo of", ""], p=[0.3, 0.15, 0.55]))
    if task == "attributes":
        shapes = [line["objects"][i] for i in rng.permutation(len(line["objects"]))]
        shape = shapes[0]
        adjective = shape[str(rng.choice(ADJECTIVES, p=[0.2, 0.35, 0.25, 0.2]))]
        if prompt == "" and rng.random() < 0.7:
            return f"the {shape['noun']} is", f"{adjective}."
        if prompt == "a photo of":
            return prompt, f"a {adjective} {shape['noun']}."
        return prompt, f"{' and '.join(phrase(one) for one in shapes)}."
    said = fact(line)
    if task == "actions":
        return prompt, ("a {subject} {verb} a {object}." if prompt else "a {subject} is {verb} a {object}.").format(**said)
    return prompt, ("a {expression} person." if prompt else "this person is feeling {expression}.").format(**said)


def asked(line: dict, article: str = "the") -> tuple[str, str]:
    """From a question with its two answers: the caption's beginning, and what the answers stand for in a whole sentence.
    "is this star red or blue?" -> "the star is", "the star is {}."; "is man carrying or riding dog?" -> "a man is", ..."""
    question, answers = line["question"].rstrip("?"), line["answers"]
    either = re.search(rf"({answers[0]} or {answers[1]}|{answers[1]} or {answers[0]})", question)
    open_question = question[: either.start()] + "{}" + question[either.end() :]
    if open_question.startswith("is this person"):
        whole = "this person is feeling {}."
    elif open_question.startswith("is this"):
        whole = f"{article} {open_question.split()[2]} is {{}}."
    else:
        subject, verb, thing = open_question.split()[1:]
        whole = f"a {subject} is {verb} a {thing}."
    return whole.split(" {}")[0] if not whole.startswith("a {}") else "a", whole
