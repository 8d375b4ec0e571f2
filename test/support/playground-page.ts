import type { Server } from "node:http";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { CHROMIUM, CHROMIUM_FLAGS } from "./chromium.js";
import { makeSite, serveFolder } from "./site.js";

// The folder that `npm run playground` makes, behind a server of plain files, in a browser.

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained of, and addresses elsewhere that it asked for. */
  readonly complaints: string[];
  /** The names of the files that it asked for. */
  readonly asked: string[];
}

export interface VisitOptions {
  /** A program that runs before those of the page; in its worker, before the worker's own. */
  readonly before?: string;
  readonly inWorker?: string;
  readonly context?: Parameters<Browser["newContext"]>[0];
  /** Another browser than the site's. */
  readonly from?: Browser;
}

/** A built site, and a browser that visits it. */
export class Site {
  private constructor(
    readonly folder: string,
    private readonly server: Server,
    readonly address: string,
    readonly browser: Browser,
  ) {}

  static async open(flags: readonly string[] = CHROMIUM_FLAGS): Promise<Site> {
    const folder = makeSite();
    const { server, address } = await serveFolder(folder);
    return new Site(folder, server, address, await launch(flags));
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.closeAllConnections();
    this.server.close();
  }

  /** @param rest of the address: its query and its state. */
  async visit(
    rest = "",
    { before, inWorker, context: options, from = this.browser }: VisitOptions = {},
  ): Promise<Visit> {
    const context = await from.newContext(options);
    const page = await context.newPage();
    const [complaints, asked]: [string[], string[]] = [[], []];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (/^(data|blob):/.test(request.url())) return;
      asked.push(new URL(request.url()).pathname.split("/").at(-1)!);
      if (!request.url().startsWith(this.address)) complaints.push(request.url());
    });
    if (before) await page.addInitScript(before);
    if (inWorker) await beforeWorker(page, inWorker);
    await page.goto(`${this.address}${rest}`);
    return { page, context, complaints, asked };
  }
}

export const launch = (flags: readonly string[] = CHROMIUM_FLAGS) =>
  chromium.launch({ executablePath: CHROMIUM, args: [...flags] });

/** Requests that a service worker answers cannot be changed by a test. */
export const WITHOUT_SERVICE_WORKER = { serviceWorkers: "block" } as const;

/** A program that runs in every worker of the page before its own. */
export const beforeWorker = (page: Page, program: string) =>
  page.route("**/worker.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${program}\n${await response.text()}` });
  });

export const LONG = { timeout: 60_000 };

export const press = (page: Page, name: string | RegExp, wait = LONG) => page.getByRole("button", { name }).click(wait);

/** Until the page says it aloud; where it never does, the error has the page. */
export const said = (page: Page, text: string | RegExp, wait = LONG) =>
  page
    .getByRole("status")
    .getByText(text)
    .waitFor(wait)
    .catch(async (error) => {
      throw new Error(`It was to say ${text}. The page: ${await page.locator("body").innerText()}`, { cause: error });
    });

/** A file that a press on a button saves. */
export async function saved(page: Page, name: string, wait = LONG): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent("download", wait), press(page, name, wait)]);
  return download.path();
}

/** The page's own model is there. */
export const ready = (page: Page) => page.getByRole("contentinfo").getByText("text.cross.z, on wasm").waitFor(LONG);

/** The page forbids what Playwright's own waiting for a function would evaluate there. */
export async function until(page: Page, holds: string): Promise<void> {
  for (const end = Date.now() + LONG.timeout; !(await page.evaluate<boolean>(holds)); await page.waitForTimeout(50))
    if (Date.now() > end) throw new Error(`This never held: ${holds}`);
}
