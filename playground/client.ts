import { NoticeError } from "../src/base/errors.js";
import { type AskOptions, Channel } from "../src/executors/browser/channel.js";
import type { Works } from "./worker.js";

type Args<Name extends keyof Works> = Parameters<Works[Name]>[0];
type Found<Name extends keyof Works> = Awaited<ReturnType<Works[Name]>>;

/** The page's end of the worker. Where the GPU is lost, what was asked is asked again without it. */
export class Client extends Channel<Works> {
  constructor(
    worker: Worker,
    onLost: (error: NoticeError) => void,
    private readonly onGpuLost: (facts: Found<"withoutGpu">) => void,
  ) {
    super(worker, onLost);
  }

  override async ask<Name extends keyof Works>(
    name: Name,
    args: Args<Name>,
    options: AskOptions = {},
  ): Promise<Found<Name>> {
    try {
      return await super.ask(name, args, options);
    } catch (error) {
      if (!(error instanceof NoticeError && error.code === "backend") || name === "open") throw error;
      this.onGpuLost(await super.ask("withoutGpu", []));
      return super.ask(name, args, options);
    }
  }
}
