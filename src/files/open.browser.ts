import { NoticeError } from "../base/errors.js";
import { MAX_TEXT_BYTES } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import { decodePicture, MAX_FILE_BYTES } from "../pictures/decode.js";
import type { Picture } from "../pictures/picture.js";
import type * as node from "./open.js";
import { fromStart } from "./page-address.js";

// What open.ts is in Node: in a browser models and pictures are addresses, relative to the page or whole.

/**
 * @param model the address of a folder: "weights/scenes",
 * "https://huggingface.co/Salesforce/blip-vqa-base/resolve/main".
 * @throws NoticeError `network`, when a file is asked for.
 */
export async function openModel(model: string): Promise<node.NamedModel> {
  const folder = model.replace(/\/+$/, "");
  const files: CheckpointFiles = {
    name: model,
    async text(file) {
      const response = await get(`${folder}/${file}`);
      return response && new TextDecoder().decode(await bytesOf(response, MAX_TEXT_BYTES));
    },
    async bytes(file) {
      const response = await get(`${folder}/${file}`);
      if (!response) return undefined;
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { name: `${folder}/${file}`, size: bytes.length, read: async (start, end) => bytes.slice(start, end) };
    },
  };
  return { files, memory: undefined };
}

/** @throws NoticeError `image`, `network` */
export async function readPicture(address: string): Promise<Picture> {
  const response = await get(address);
  if (!response) throw new NoticeError("image", `There is no picture at ${address}.`);
  return decodePicture(await bytesOf(response, MAX_FILE_BYTES), address);
}

/** undefined where there is no such file; servers of single-page applications then answer with the page. */
async function get(address: string): Promise<Response | undefined> {
  const response = await request(address).catch((cause: Error) => {
    throw new NoticeError("network", `${address} cannot be fetched: ${cause.message}.`, { cause });
  });
  if (response.status === 404 || response.headers.get("content-type")?.startsWith("text/html")) return undefined;
  if (!response.ok) throw new NoticeError("network", `${address}: the server answered ${response.status}.`);
  return response;
}

/** An address that is none rejects too. */
const request = async (address: string) => fetch(fromStart(address));

/** @throws NoticeError `network` as soon as there are more. */
async function bytesOf(response: Response, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    length += value.length;
    pieces.push(value);
    if (length <= most) continue;
    await reader.cancel();
    throw new NoticeError("network", `${response.url} has more than ${most} bytes; no more are read.`);
  }
}
