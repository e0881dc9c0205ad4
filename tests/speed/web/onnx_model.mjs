// An ONNX model with one 4-bit matrix, written as protocol buffers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto gives the numbers of the fields.

const [FLOAT, UINT8] = [1, 2];
const BLOCK = 32;
const text = new TextEncoder();

function varint(value) {
    const bytes = [];
    for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
    return Uint8Array.of(...bytes, value);
}

function join(parts) {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) bytes.set(part, (at += part.length) - part.length);
    return bytes;
}

const number = (field, value) => join([varint(field * 8), varint(value)]);
const bytes = (field, value) => join([varint(field * 8 + 2), varint(value.length), value]);
const string = (field, value) => bytes(field, text.encode(value));
const message = (field, ...parts) => bytes(field, join(parts));

const tensor = (name, type, dims, raw) => message(5, ...dims.map((dim) => number(1, dim)), number(2, type), string(8, name), bytes(9, raw));
const attribute = (name, value) => message(5, string(1, name), number(3, value), number(20, 2));

/** `x` or `y`, [rows, width]. */
const value = (field, name, width) =>
    message(field, string(1, name), message(2, message(1, number(1, FLOAT), message(2, message(1, string(2, "rows")), message(1, number(1, width))))));

/** y = x Wᵀ with a 4-bit W, [outputs, inputs], of random codes, a float32 scale for 32 columns. */
export function matmulModel(outputs, inputs) {
    const blocks = inputs / BLOCK;
    let state = 1;
    const codes = new Uint8Array((outputs * inputs) / 2).map(() => (state = (state * 16807) % 2147483647) % 256);
    const scales = new Uint8Array(new Float32Array(outputs * blocks).fill(0.01).buffer);
    const attributes = Object.entries({ K: inputs, N: outputs, bits: 4, block_size: BLOCK, accuracy_level: 0 });
    const node = [..."xws"].map((name) => string(1, name));
    node.push(string(2, "y"), string(4, "MatMulNBits"), ...attributes.map(([name, value]) => attribute(name, value)), string(7, "com.microsoft"));
    const graph = [
        message(1, ...node),
        string(2, "matmul"),
        tensor("w", UINT8, [outputs, blocks, BLOCK / 2], codes),
        tensor("s", FLOAT, [outputs * blocks], scales),
        value(11, "x", inputs),
        value(12, "y", outputs),
    ];
    const domain = (name, version) => message(8, string(1, name), number(2, version));
    return join([number(1, 8), message(7, ...graph), domain("", 17), domain("com.microsoft", 1)]);
}
