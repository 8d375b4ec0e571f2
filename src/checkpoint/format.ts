/** What every config says, whatever else it says. */
export interface ModelConfig {
  /** What whoever made the checkpoint wants said wherever its heads are shown (`vlm_notice_note`). */
  readonly note?: string;
}

/** What a checkpoint holds. */
export interface Checkpoint<Config = ModelConfig> {
  /** Its name in `architectures` of config.json. */
  readonly className: string;
  /**
   * @param generation the text of generation_config.json, if there is one.
   * @throws NoticeError `checkpoint` naming the file and the field.
   */
  config(json: string, file: string, warn: (message: string) => void, generation?: string): Config;
  /** Where each weight stands in it. @param names of the tensors that it holds. */
  places(config: Config, names: ReadonlySet<string>): object;
  /** Buffers that hold nothing learned. */
  readonly ignored: RegExp;
  /** Tensors that hold something learned that such a model does not use. */
  unused?(config: Config, name: string): boolean;
  /** Names of one tensor, of which a checkpoint holds some; those that it holds must be equal. */
  readonly aliases: readonly (readonly string[])[];
}
