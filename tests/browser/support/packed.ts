/** The package as `npm pack` makes it, unpacked in a folder where apps find it and the tools that build them. */

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test as base } from "@playwright/test";

export const TOOLS = fileURLToPath(new URL("../node_modules/", import.meta.url));
export const WEB = fileURLToPath(new URL("../../../web/", import.meta.url));

/** What apps build with and depend on, by the folder that has it. */
const LINKED: Record<string, string[]> = {
  [join(WEB, "node_modules")]: ["vite", "typescript"],
  [TOOLS]: ["@ai-sdk", "@rollup", "@types", "ai", "esbuild", "react", "react-dom", "rollup", "zod"],
};

export const test = base.extend<object, { apps: string }>({
  /** A folder for apps. Its `package.tgz` is the tarball. */
  apps: [async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "af2-app-"));
    const [tarball] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], WEB)) as { filename: string }[];
    const target = join(folder, "node_modules/audio-flamingo-2-webgpu");
    await mkdir(target, { recursive: true });
    await rename(join(folder, tarball!.filename), join(folder, "package.tgz"));
    run("tar", ["-xzf", join(folder, "package.tgz"), "-C", target, "--strip-components=1"], folder);
    for (const [modules, names] of Object.entries(LINKED)) {
      for (const name of names) await symlink(join(modules, name), join(folder, "node_modules", name));
    }
    await use(folder);
    await rm(folder, { recursive: true });
  }, { scope: "worker", timeout: 120_000 }],
});

export function run(command: string, options: string[], folder: string): string {
  return execFileSync(command, options, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a script of a package that is installed for the package itself. */
export function tool(script: string, options: string[], folder: string): string {
  return run("node", [join(WEB, "node_modules", script), ...options], folder);
}
