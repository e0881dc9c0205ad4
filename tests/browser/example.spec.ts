/** The example page answers as it is. */

import { fileURLToPath } from "node:url";
import { expect, test } from "./support/fixtures.js";
import { clearAnswers } from "./support/real-models.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("web/examples/plain.html answers about a chosen file", async ({ page, server }) => {
  server.policy = undefined; // the example has its script and style inside
  for (const folder of ["web/examples", "web/dist/lib", "weights/demo/model"]) server.serveFolder(`/${folder}/`, `${ROOT}${folder}/`);
  const [{ sound, question, expected }] = (await clearAnswers()) as [Awaited<ReturnType<typeof clearAnswers>>[number]];
  await page.goto(`${server.origin}/web/examples/plain.html`);
  await expect(page.locator("output")).toContainText("Ready on", { timeout: 60_000 });
  await page.setInputFiles("input[type=file]", `${ROOT}weights/demo/sounds/${sound}`);
  await page.fill("input[name=question]", question);
  await page.click("button");
  await expect(page.locator("output")).toHaveText(expected, { timeout: 60_000 });
});
