/** Every page of web/examples is built as its README says, and answers about a chosen file. */

import { cp, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Page, expect } from "@playwright/test";
import { FlakyServer, STRICT_CSP } from "./support/flaky-server.js";
import { LIB } from "./support/fixtures.js";
import { TOOLS, WEB, run, test, tool } from "./support/packed.js";
import { clearAnswers } from "./support/real-models.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = join(WEB, "examples");

/** Serves the files of an example as a visitor's host would, with the demo model. */
async function served(folders: Record<string, string>): Promise<FlakyServer> {
  const server = new FlakyServer();
  server.policy = undefined; // most pages have their script inside
  await server.start();
  const all = { "/models/demo/": `${ROOT}weights/demo/model/`, "/weights/demo/model/": `${ROOT}weights/demo/model/`, ...folders };
  for (const [prefix, folder] of Object.entries(all)) server.serveFolder(prefix, `${folder}/`);
  return server;
}

/** Does what a visitor does: a sound, a question, the answer. */
async function answers(page: Page): Promise<void> {
  const [{ sound, question, expected }] = (await clearAnswers()) as [Awaited<ReturnType<typeof clearAnswers>>[number]];
  await page.locator("input[type=file]").setInputFiles(`${ROOT}weights/demo/sounds/${sound}`);
  await page.getByLabel("Question").fill(question);
  await page.locator("button:enabled").click({ timeout: 60_000 });
  await expect(page.locator("output").first()).toHaveText(expected, { timeout: 60_000 });
}

const STATIC = { "/web/examples/": EXAMPLES, "/web/dist/lib/": LIB };

for (const name of ["plain", "openai"]) {
  test(`${name}.html answers`, async ({ page }) => {
    const server = await served(STATIC);
    await page.goto(`${server.origin}/web/examples/${name}.html`);
    await answers(page);
    await server.stop();
  });
}

test("web-component.html answers under a strict policy, and has no finding of axe", async ({ page }) => {
  const server = await served(STATIC);
  server.policy = STRICT_CSP;
  const refused: string[] = [];
  page.on("console", (message) => message.type() === "error" && refused.push(message.text()));
  await page.goto(`${server.origin}/web/examples/web-component.html`);
  await answers(page);
  await expect(page.locator("p[part=status]")).toHaveText("");
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  const outcome = await page.evaluate(async () => {
    const element = document.querySelector("ask-audio")!;
    const events: string[] = [];
    element.addEventListener("answer", (event) => events.push((event as CustomEvent<{ text: string }>).detail.text));
    const failed = new Promise<string>((resolve) => element.addEventListener("error", (event) => resolve((event as unknown as CustomEvent<{ code: string }>).detail.code)));
    element.setAttribute("src", "/missing.wav"); // a sound of the page's in place of the visitor's
    const hidden = element.shadowRoot!.querySelector("label")!.hidden;
    element.shadowRoot!.querySelector("form")!.requestSubmit();
    return { failed: await failed, hidden, events };
  });
  expect(outcome).toEqual({ failed: "NETWORK_FAILED", hidden: true, events: [] });
  await expect(page.locator("p[part=status]")).toContainText("missing.wav");
  expect(refused.filter((text) => !text.includes("404"))).toEqual([]);
  await server.stop();
});

test("cdn.html answers with everything from another origin", async ({ page }) => {
  const cdn = await served({ "/audio-flamingo-2-webgpu/dist/lib/": LIB });
  cdn.cors = true;
  const server = await served({});
  const html = await readFile(join(EXAMPLES, "cdn.html"), "utf8");
  expect(html).toContain("https://cdn.example/");
  server.serveText("/", html.replace("https://cdn.example", cdn.origin), "text/html; charset=utf-8");
  await page.goto(server.origin);
  await answers(page);
  expect(cdn.asked).toContain("/audio-flamingo-2-webgpu/dist/lib/worker.js");
  expect(server.asked.filter((path) => !path.startsWith("/models/") && path !== "/favicon.ico")).toEqual(["/"]);
  await Promise.all([server.stop(), cdn.stop()]);
});

for (const [name, after] of [["react", undefined], ["ai-sdk", { selector: "#kind", text: "cow" }]] as const) {
  test(`${name}/ type-checks, is built by Vite and answers`, async ({ apps, page }) => {
    const folder = join(apps, name);
    await cp(join(EXAMPLES, name), folder, { recursive: true });
    tool("typescript/bin/tsc", [], folder);
    tool("vite/bin/vite.js", ["build"], folder);
    const server = await served({ "/": join(folder, "dist") });
    server.serveText("/", await readFile(join(folder, "dist/index.html")), "text/html; charset=utf-8");
    await page.goto(server.origin);
    await answers(page);
    if (after) await expect(page.locator(after.selector)).toHaveText(after.text, { timeout: 60_000 });
    await server.stop();
  });
}

test("bundlers/ is built by esbuild and by Rollup, and answers", async ({ apps, page }) => {
  const folder = join(apps, "bundlers");
  await cp(join(EXAMPLES, "bundlers"), folder, { recursive: true });
  run("node", ["esbuild.js"], folder);
  run("node", [join(TOOLS, "rollup/dist/bin/rollup"), "--config"], folder);
  const server = await served({ "/esbuild/": join(folder, "dist/esbuild"), "/rollup/": join(folder, "dist/rollup") });
  for (const bundler of ["esbuild", "rollup"]) {
    await page.goto(`${server.origin}/${bundler}/index.html`);
    await answers(page);
    expect(server.asked).toContain(`/${bundler}/af2/worker.js`);
  }
  await server.stop();
});

test("the examples' README names every example", async () => {
  const readme = await readFile(join(EXAMPLES, "README.md"), "utf8");
  const names = (await readdir(EXAMPLES)).filter((name) => name !== "README.md");
  expect(names.filter((name) => !readme.includes(`](${name})`))).toEqual([]);
});
