import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodePicture } from "../../../src/pictures/decode.js";
import { MAX_PIXELS } from "../../../src/pictures/picture.js";
import { FIXTURES } from "../../support/fixture.js";
import { Found } from "../judge.js";
import type { Kind } from "../kind.js";
import { mutateBytes } from "../mutate.js";
import { mutateJpeg } from "./jpeg.js";
import { madePng, mutatePng } from "./png.js";

/** PNG and JPEG files: chunks and segments changed with their checksums and lengths right, and any bytes. */
export const pictures: Kind = {
  name: "pictures",
  share: 340,
  open: async () => {
    const folder = join(FIXTURES, "pixels");
    const names = readdirSync(folder).filter((name) => /\.(png|jpg)$/.test(name));
    const files = names.map((name) => new Uint8Array(readFileSync(join(folder, name))));
    return {
      run: async (choose) => {
        const file = choose.pick(files);
        const isPng = file[0] === 0x89;
        const bytes = choose.chance(0.25)
          ? mutateBytes(choose, file)
          : isPng
            ? choose.chance(0.15)
              ? madePng(choose)
              : mutatePng(choose, file)
            : mutateJpeg(choose, file);
        const { width, height, data } = await decodePicture(bytes, "the picture");
        if (!(width >= 1 && height >= 1 && width * height <= MAX_PIXELS && data.length === 3 * width * height))
          throw new Found("wrong", `a picture of ${width} x ${height} with ${data.length} bytes`);
        return "taken";
      },
    };
  },
};
