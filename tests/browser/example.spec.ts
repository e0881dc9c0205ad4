/** The example is what people start from: it answers as it stands. */

import { fileURLToPath } from "node:url";
import { expect, test } from "./support/fixtures.js";
import { sureAnswers } from "./support/shipped.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("web/examples/plain.html answers about a chosen file", async ({ page, server }) => {
  server.policy = undefined; // the example has its script and style inside
  for (const folder of ["web/examples", "web/dist/lib", "weights/demo/model"]) server.serveFolder(`/${folder}/`, `${ROOT}${folder}/`);
  const [{ sound, question, expected }] = (await sureAnswers()) as [Awaited<ReturnType<typeof sureAnswers>>[number]];
  await page.goto(`${server.origin}/web/examples/plain.html`);
  await expect(page.locator("output")).toContainText("Ready on", { timeout: 60_000 });
  await page.setInputFiles("input[type=file]", `${ROOT}weights/demo/sounds/${sound}`);
  await page.fill("input[name=question]", question);
  await page.click("button");
  await expect(page.locator("output")).toHaveText(expected, { timeout: 60_000 });
});
