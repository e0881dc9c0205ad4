/** Runs the measurements in Chromium; see real-size.bench.ts. */

import config from "./playwright.config.js";

export default { ...config, testMatch: "*.bench.ts", timeout: 3_600_000 };
