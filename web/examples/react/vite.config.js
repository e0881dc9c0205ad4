/** The development server must not bundle the package: its worker is loaded by URL. */
export default {
  optimizeDeps: { exclude: ["audio-flamingo-2-webgpu"] },
  worker: { format: "es" },
  build: { target: "es2022" },
};
