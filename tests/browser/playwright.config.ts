/** Tests in Debian's Chromium, with WebGPU on SwiftShader. Without the browser the tests fail; they are not skipped. */

import { defineConfig } from "@playwright/test";

export const CHROMIUM_ARGUMENTS = [
  "--enable-unsafe-webgpu",
  "--enable-features=Vulkan",
  "--use-webgpu-adapter=swiftshader",
  "--use-angle=swiftshader",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  timeout: 240_000,
  workers: 2,
  retries: process.env["CI"] ? 1 : 0, // a browser starved by the tests beside it; the summary names every test that needed it
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "../../target/browser-tests",
  use: {
    serviceWorkers: "block", // but in their own tests: the page stores itself, which takes time and hides requests from tests
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: CHROMIUM_ARGUMENTS,
      chromiumSandbox: false,
    },
  },
});
