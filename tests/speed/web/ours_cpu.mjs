// Our CPU engine in a tab, on its one thread: seconds of a window and of a token.
import { AudioFlamingo } from "/ours/index.js";

export async function measure() {
    const model = await AudioFlamingo.load("/model/", { engine: "cpu", cache: "none" });
    const { encodeMs, tokensPerSecond } = await model.bench({ tokens: 16 });
    await model.dispose();
    return { window: encodeMs / 1e3, token: 1 / tokensPerSecond };
}
