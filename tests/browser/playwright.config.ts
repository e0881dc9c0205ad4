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
  timeout: 120_000,
  workers: 1,
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "../../target/browser-tests",
  use: {
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: CHROMIUM_ARGUMENTS,
      chromiumSandbox: false,
    },
  },
});
