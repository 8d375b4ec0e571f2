/** config.json of models on the hub, of which only the shape is needed: HuggingFaceTB/SmolVLM-256M-Instruct. */
export const SMOLVLM_256M = {
  architectures: ["Idefics3ForConditionalGeneration"],
  model_type: "idefics3",
  image_token_id: 49_190,
  scale_factor: 4,
  tie_word_embeddings: false,
  vision_config: {
    model_type: "idefics3_vision",
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 512,
    patch_size: 16,
    hidden_act: "gelu_pytorch_tanh",
    layer_norm_eps: 1e-6,
  },
  text_config: {
    model_type: "llama",
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
    max_position_embeddings: 8192,
    vocab_size: 49_280,
  },
} as const;

/** llava-hf/llava-1.5-7b-hf. */
export const LLAVA_7B = {
  architectures: ["LlavaForConditionalGeneration"],
  image_token_index: 32_000,
  text_config: { vocab_size: 32_064 },
  vision_config: {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    image_size: 336,
    patch_size: 14,
  },
} as const;
