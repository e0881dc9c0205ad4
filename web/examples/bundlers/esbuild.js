import { build } from "esbuild";
import { copyTo } from "./copy.js";

await build({ entryPoints: ["main.js"], bundle: true, format: "esm", minify: true, outdir: "dist/esbuild" });
await copyTo("dist/esbuild");
