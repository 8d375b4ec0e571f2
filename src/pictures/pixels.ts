import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { complaintsOf, parseJson } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import type { Picture } from "./picture.js";
import { resize } from "./resize.js";

/** What a checkpoint's image processor does with a picture, in Hugging Face's names. */
export interface ImageProcessor {
  readonly do_resize: boolean;
  readonly size: { readonly height: number; readonly width: number };
  readonly do_rescale: boolean;
  readonly rescale_factor: number;
  readonly do_normalize: boolean;
  /** One value a channel. */
  readonly image_mean: readonly number[];
  readonly image_std: readonly number[];
}

/** What becomes of the levels of a picture. */
type Normalisation = Pick<
  ImageProcessor,
  "do_rescale" | "rescale_factor" | "do_normalize" | "image_mean" | "image_std"
>;

const FILE = "preprocessor_config.json";
/**
 * What transformers writes from version 5 on in its place: the same one level down, beside the other parts of the
 * processor.
 */
const WHOLE_FILE = "processor_config.json";
const RESAMPLING = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];
const BICUBIC = RESAMPLING.indexOf("bicubic");
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];

const side = z.int().min(1).max(4096);
const size = z.union(
  [
    z.object({ height: side, width: side }),
    side.transform((both) => ({ height: both, width: both })),
    z.tuple([side, side]).transform(([height, width]) => ({ height, width })),
  ],
  "expected { height, width } or one integer, each in 1..4096 (as BlipImageProcessor, which has no shortest_edge)",
);
export const perChannel = (value: z.ZodNumber) =>
  z.union(
    [z.array(value).length(3), value.transform((one) => [one, one, one])],
    "expected one number for all channels, or three (a standard deviation must be above 0)",
  );
const unsupported = z.literal(false, "expected false: BLIP's pictures are resized whole").nullish();

/** What every processor says of rescaling and normalising. */
export const levelFields = {
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
};

// Unlisted fields are ignored, as in transformers; so is do_convert_rgb, since every Picture is RGB.
const schema = z
  .object({
    image_processor_type: z
      .string()
      .regex(/^Blip/, "expected BlipImageProcessor: others crop, pad or interpolate in another way")
      .nullish(),
    do_resize: z.boolean().default(true),
    size: size.nullish().transform((given) => given ?? { height: 384, width: 384 }),
    resample: z
      .int()
      .refine((filter) => filter === BICUBIC, {
        error: ({ input }) =>
          `expected ${BICUBIC} (bicubic), the only filter there is here; found ${input} (${RESAMPLING[input as number] ?? "unknown"})`,
      })
      .default(BICUBIC),
    ...levelFields,
    image_mean: perChannel(z.number())
      .nullish()
      .transform((mean) => mean ?? CLIP_MEAN),
    image_std: perChannel(z.number().positive())
      .nullish()
      .transform((std) => std ?? CLIP_STD),
    do_center_crop: unsupported,
    do_pad: unsupported,
  })
  .transform(({ image_processor_type, resample, do_center_crop, do_pad, ...processor }): ImageProcessor => processor);

/** BLIP's: omitted fields default as in transformers' `BlipImageProcessor`. @throws NoticeError as `loadProcessor` */
export const loadImageProcessor = (files: CheckpointFiles): Promise<ImageProcessor> => loadProcessor(files, schema);

/**
 * The image processor of `preprocessor_config.json` or `processor_config.json`, as a schema has it.
 *
 * @throws NoticeError `checkpoint` where the checkpoint has neither, not one of that kind, or two that differ: version
 * 4 of transformers takes the one, version 5 the other.
 */
export async function loadProcessor<Found extends Normalisation>(
  files: CheckpointFiles,
  schema: z.ZodType<Found>,
): Promise<Found> {
  const [path, wholePath] = [FILE, WHOLE_FILE].map((file) => `${files.name}/${file}`) as [string, string];
  const [json, whole] = [await files.text(FILE), await files.text(WHOLE_FILE)];
  const nested =
    whole === undefined ? undefined : (parseJson(whole, wholePath) as { image_processor?: unknown } | null);
  const alone = json === undefined ? undefined : readProcessor(parseJson(json, path), path, schema);
  const part = nested?.image_processor;
  const inside = part === undefined ? undefined : readProcessor(part, `${wholePath}: image_processor`, schema);
  if (alone && inside && JSON.stringify(alone) !== JSON.stringify(inside))
    throw new NoticeError(
      "checkpoint",
      `${path} and ${WHOLE_FILE} have different image processors. Remove one of the files.`,
    );
  const found = alone ?? inside;
  if (found) return found;
  throw new NoticeError(
    "checkpoint",
    `${files.name} has no ${FILE} or ${WHOLE_FILE} with an image processor, which says how a picture becomes pixels.`,
  );
}

function readProcessor<Found extends Normalisation>(value: unknown, file: string, schema: z.ZodType<Found>): Found {
  const parsed = schema.safeParse(value);
  if (parsed.success) return requireFinite(parsed.data, file);
  const found = complaintsOf(parsed.error, "the file");
  throw new NoticeError("checkpoint", `${file} is not an image processor's that is supported: ${found}.`);
}

/** Each may be a number and what becomes of a picture none: float32 ends at 3.4e38, and what rounds to 0 divides. */
function requireFinite<Found extends Normalisation>(processor: Found, file: string): Found {
  if ([0, 1, 2].every((channel) => levels(processor, channel).every(Number.isFinite))) return processor;
  const { rescale_factor, image_mean, image_std } = processor;
  const found = Object.entries({ rescale_factor, image_mean, image_std }).map(([name, value]) => `${name} ${value}`);
  throw new NoticeError(
    "checkpoint",
    `${file} makes pixels that float32 cannot hold: ${found.join(", ")}. In BLIP's they are between 0 and 1.`,
  );
}

/**
 * What the vision tower gets: [height, width, 3] (TensorFlow's order; `pixel_values` of Hugging Face is [3, height,
 * width]) with the height and width of `processor.size`. Equals transformers' `BlipImageProcessor` (the one on Pillow)
 * to the last bit, but for pictures 1 or 3 pixels high, whose rows that one takes for channels.
 *
 * @throws NoticeError `image` where `do_resize` is false and the picture has not the processor's size.
 */
export function pixelValues(processor: ImageProcessor, picture: Picture): Float32Array {
  const { width, height } = processor.size;
  if (!processor.do_resize && (picture.width !== width || picture.height !== height))
    throw new NoticeError(
      "image",
      `The picture has ${picture.width} x ${picture.height} pixels, and the model takes ${width} x ${height}. ` +
        "Its image processor has do_resize false: resize the picture, or set do_resize.",
    );
  return normalised(processor, resize(picture, width, height).data);
}

/** Levels [height, width, 3] rescaled and normalised. */
export function normalised(processor: Normalisation, data: Uint8Array): Float32Array {
  const [red, green, blue] = [0, 1, 2].map((channel) => levels(processor, channel)) as [Levels, Levels, Levels];
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    values[i] = red[data[i]!]!;
    values[i + 1] = green[data[i + 1]!]!;
    values[i + 2] = blue[data[i + 2]!]!;
  }
  return values;
}

/** The value of each of the 256 levels of one channel. */
type Levels = Float32Array;

/** Rounded to float32 where numpy rounds: after rescaling in float64, then after each step of normalising. */
function levels(processor: Normalisation, channel: number): Levels {
  const mean = Math.fround(processor.image_mean[channel]!);
  const std = Math.fround(processor.image_std[channel]!);
  return Float32Array.from({ length: 256 }, (_, level) => {
    const scaled = Math.fround(processor.do_rescale ? level * processor.rescale_factor : level);
    return processor.do_normalize ? Math.fround(scaled - mean) / std : scaled;
  });
}
