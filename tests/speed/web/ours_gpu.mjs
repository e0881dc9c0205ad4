// Our GPU engine in a tab: seconds of a token and of a prompt of 40 tokens.
import { AudioFlamingo } from "/ours/index.js";

export async function measure() {
    const model = await AudioFlamingo.load("/model/", { engine: "webgpu", cache: "none" });
    const { firstTokenMs, tokensPerSecond } = await model.bench({ tokens: 16 });
    await model.dispose();
    return { token: 1 / tokensPerSecond, prompt: firstTokenMs / 1e3 };
}
