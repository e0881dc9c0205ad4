// Our GPU engine in a tab, asked without audio: seconds of a token, and of a token of a prompt of about 40.
import { AudioFlamingo } from "/ours/index.js";

const TOKENS = 16;

export async function measure() {
    const model = await AudioFlamingo.load("/model/", { engine: "webgpu", cache: "none" });
    const question = Array.from({ length: 20 }, (_, index) => `t${index * 7}`).join("");
    await model.ask(question, { maxNewTokens: 2 }).result; // compiles
    const { tokens, promptTokens, timings } = await model.ask(question, { maxNewTokens: TOKENS }).result;
    await model.dispose();
    if (tokens.length < TOKENS) throw new Error(`the model ended after ${tokens.length} tokens`);
    return { token: 1 / timings.tokensPerSecond, promptTokens, prompt: timings.firstTokenMs / 1e3 / promptTokens };
}
