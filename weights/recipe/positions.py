"""The positions of Idefics3 and SmolVLM's patches, the same in every version of transformers. Importing it puts them in force."""

import torch
from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionEmbeddings
from transformers.models.smolvlm.modeling_smolvlm import SmolVLMVisionEmbeddings


def unshifted(self, pixel_values, patch_attention_mask):
    """Positions as in transformers up to 4.48 and from 5.0 on: 0 to n² - 1. Those of 4.57 multiply each coordinate by 1 - 1e-6, so
    that each patch but the first of a row or column falls into the bucket before its own."""
    patches = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
    return patches + self.position_embedding(torch.arange(patches.shape[1]))


for embeddings in [Idefics3VisionEmbeddings, SmolVLMVisionEmbeddings]:
    embeddings.forward = unshifted
