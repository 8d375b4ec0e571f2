import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodePicture, isPictureName, kindOfPicture } from "../../../src/pictures/decode.js";
import { MAX_PIXELS } from "../../../src/pictures/picture.js";
import { FIXTURES } from "../../support/fixture.js";
import { Found } from "../judge.js";
import type { Kind } from "../kind.js";
import { mutateBytes, mutateStart } from "../mutate.js";
import { mutateJpeg } from "./jpeg.js";
import { madePng, mutatePng } from "./png.js";

/**
 * Chunks of PNGs and segments of JPEGs changed with their checksums and lengths right, headers of others, any bytes.
 */
export const pictures: Kind = {
  name: "pictures",
  share: 340,
  open: async () => {
    const paths = ["pixels", "pictures"].flatMap((folder) =>
      readdirSync(join(FIXTURES, folder)).map((name) => join(FIXTURES, folder, name)),
    );
    const files = paths.filter(isPictureName).map((path) => new Uint8Array(readFileSync(path)));
    return {
      run: async (choose) => {
        const file = choose.pick(files);
        const kind = kindOfPicture(file);
        const bytes = choose.chance(0.25)
          ? mutateBytes(choose, file)
          : kind === "png"
            ? choose.chance(0.15)
              ? madePng(choose)
              : mutatePng(choose, file)
            : kind === "jpg"
              ? mutateJpeg(choose, file)
              : mutateStart(choose, file, 70);
        const { width, height, data } = await decodePicture(bytes, "the picture");
        if (!(width >= 1 && height >= 1 && width * height <= MAX_PIXELS && data.length === 3 * width * height))
          throw new Found("wrong", `a picture of ${width} x ${height} with ${data.length} bytes`);
        return "taken";
      },
    };
  },
};
