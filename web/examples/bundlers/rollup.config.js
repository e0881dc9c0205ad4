import { nodeResolve } from "@rollup/plugin-node-resolve";
import { copyTo } from "./copy.js";

export default {
  input: "main.js",
  output: { dir: "dist/rollup", format: "es" },
  plugins: [nodeResolve({ browser: true }), { name: "copy", closeBundle: () => copyTo("dist/rollup") }],
};
