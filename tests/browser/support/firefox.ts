/** Starts Debian's Firefox ESR, which Playwright cannot drive: the page acts by itself and posts its result. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFERENCES = {
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
  "network.captive-portal-service.enabled": false,
  "app.normandy.enabled": false,
};

/** Opens an address in a fresh profile while `work` runs. */
export async function withFirefox<T>(address: string, preferences: Record<string, boolean>, work: () => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), "af2-firefox-"));
  const firefox = await start(profile, { ...PREFERENCES, ...preferences }, address);
  try {
    return await work();
  } finally {
    firefox.kill();
    await new Promise((resolve) => (firefox.exitCode === null ? firefox.once("exit", resolve) : resolve(undefined)));
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(profile: string, preferences: Record<string, boolean | string>, address: string): Promise<ChildProcess> {
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});`);
  await writeFile(join(profile, "user.js"), lines.join("\n"));
  const options = ["--headless", "--no-remote", "--profile", profile, address];
  const firefox = spawn(process.env["FIREFOX"] ?? "/usr/bin/firefox-esr", options, { stdio: "ignore", env: { ...process.env, HOME: profile } });
  return new Promise((resolve, reject) => {
    firefox.once("error", reject); // Firefox is missing: the test fails
    firefox.once("spawn", () => resolve(firefox));
  });
}
