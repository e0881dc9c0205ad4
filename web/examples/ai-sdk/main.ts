/** A page that answers with the AI SDK: text as it is generated, then an object of a schema. */

import { Output, type UserModelMessage, generateText, streamText } from "ai";
import { AudioFlamingo } from "audio-flamingo-2-webgpu";
import { audioFlamingo } from "audio-flamingo-2-webgpu/ai-sdk";
import { z } from "zod";

const loading = AudioFlamingo.load("/models/demo/").then(audioFlamingo);

const form = document.querySelector("form")!;
const file = form.querySelector<HTMLInputElement>("input[type=file]")!;
const question = form.querySelector<HTMLInputElement>("input[name=question]")!;
const [output, kind] = form.querySelectorAll("output");

async function ask(sound: File): Promise<void> {
  const model = await loading;
  const about = async (text: string): Promise<UserModelMessage> => ({
    role: "user",
    content: [
      { type: "file", data: new Uint8Array(await sound.arrayBuffer()), mediaType: sound.type || "audio/wav" },
      { type: "text", text },
    ],
  });
  output!.value = "";
  for await (const text of streamText({ model, messages: [await about(question.value)] }).textStream) output!.value += text;
  const schema = z.object({ sound: z.enum(["cow", "dog"]) });
  const result = await generateText({ model, messages: [await about("what is this sound?")], output: Output.object({ schema }) });
  kind!.value = result.output.sound;
}

form.onsubmit = (event) => {
  event.preventDefault();
  const sound = file.files?.[0];
  if (sound) ask(sound).catch((error: Error) => (output!.value = error.message));
};
