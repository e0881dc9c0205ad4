// Measures in one tab of Chromium, in which engines from npm and ours are served: `node tab.mjs WHAT PATH=FOLDER…`. WHAT names a module beside this file,
// whose `measure` runs in the page; its result is printed as JSON. Files of every FOLDER are served under its PATH.
//
// Chromium and its arguments are those of the browser tests, whose dependencies must be installed.
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { argv, env } from "node:process";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };
const browserTests = path.resolve(import.meta.dirname, "../../browser");
const { chromium } = createRequire(path.join(browserTests, "package.json"))("playwright-core");
const config = readFileSync(path.join(browserTests, "playwright.config.ts"), "utf8");
const flags = [...config.matchAll(/"(--[a-z][^"]*)"/g)].map(([, flag]) => flag);

const [what, ...pairs] = argv.slice(2);
const folders = [...pairs.map((pair) => pair.split("=")), ["speed", import.meta.dirname]];

/** Answers with a file of a folder, whole. */
function serve(request, response) {
    const name = decodeURIComponent(new URL(request.url, "http://localhost").pathname).slice(1);
    if (name === "favicon.ico") return response.writeHead(204).end();
    if (name === "") return response.setHeader("content-type", "text/html").end("<!doctype html><title>speed</title>");
    const [at, folder] = folders.find(([at]) => name.startsWith(`${at}/`)) ?? [];
    const file = folder && path.resolve(folder, name.slice(at.length + 1));
    const stat = file?.startsWith(path.resolve(folder)) && statSync(file, { throwIfNoEntry: false });
    if (!stat || !stat.isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream", "content-length": stat.size });
    createReadStream(file).pipe(response);
}

const server = createServer(serve).listen(0, "localhost");
const browser = await chromium.launch({ executablePath: env.CHROMIUM ?? "/usr/bin/chromium", args: flags, chromiumSandbox: false });
try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on("pageerror", (error) => console.error(error.message));
    page.on("console", (message) => console.error(message.text()));
    await page.goto(`http://localhost:${server.address().port}/`);
    const result = await page.evaluate(async (module) => (await import(module)).measure(), `/speed/${what}.mjs`);
    console.log(JSON.stringify(result));
} finally {
    await browser.close();
    server.close();
}
