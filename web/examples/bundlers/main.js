import { AudioFlamingo } from "audio-flamingo-2-webgpu";

const workerUrl = new URL("af2/worker.js", document.baseURI); // `wasmUrl` says where the engines lie, if not beside it
const loading = AudioFlamingo.load("/models/demo/", { workerUrl });

const form = document.querySelector("form");
form.onsubmit = async (event) => {
  event.preventDefault();
  const [file, question, , output] = form.elements;
  const clip = await (await loading).listen(file.files[0]);
  output.textContent = "";
  for await (const { text } of clip.ask(question.value)) output.textContent += text;
  await clip.dispose();
};
