// run.js MODEL.onnx DIR [THREADS]: runs a model with ONNX Runtime (CPU) on the tensors that DIR/inputs.json lists, each with the file of its little-endian
// elements or with its strings, and writes outputs in the same form: DIR/outputs.json and output_0.bin, output_1.bin … in the order of the model's outputs.
// Then it prints a line, {"version": …}, and for each line on standard input with a number n it runs once uncounted and n times counted, and prints a JSON array
// of the milliseconds.
// ORT_NODE names the folder of the npm package onnxruntime-node. Runs go to its native binding, past the event loop that InferenceSession.run waits for.
'use strict';
const fs = require('fs'), path = require('path'), readline = require('readline');
const ort = require(process.env.ORT_NODE);
const { binding, initOrt } = require(path.join(process.env.ORT_NODE, 'dist', 'binding.js'));
const [model, dir, threads = '1'] = process.argv.slice(2);
const arrays = {
  float32: Float32Array, float64: Float64Array, float16: Uint16Array, bool: Uint8Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
};
const options = { intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3 };

initOrt();
const session = new binding.InferenceSession();
session.loadModel(model, options);
const feeds = {}, fetches = {};
for (const t of JSON.parse(fs.readFileSync(path.join(dir, 'inputs.json')))) {
  if (t.dtype === 'string') {
    feeds[t.name] = new ort.Tensor(t.dtype, t.strings, t.shape);
    continue;
  }
  if (!arrays[t.dtype]) throw new Error(`input ${t.name}: ${t.dtype} is not handled`);
  const bytes = fs.readFileSync(path.join(dir, t.file));
  feeds[t.name] = new ort.Tensor(t.dtype, new arrays[t.dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), t.shape);
}
const names = session.outputMetadata.map((m) => m.name);
for (const name of names) fetches[name] = null;
const run = () => session.run(feeds, fetches, {});

const out = run();
fs.writeFileSync(path.join(dir, 'outputs.json'), JSON.stringify(names.map((name, i) => {
  const t = out[name], file = `output_${i}.bin`, shape = Array.from(t.dims);
  if (t.type === 'string') return { name, dtype: t.type, shape, strings: t.data };
  if (!arrays[t.type]) throw new Error(`output ${name}: ${t.type} is not handled`);
  fs.writeFileSync(path.join(dir, file), Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
  return { name, dtype: t.type, shape, file };
})));
(async () => {
  console.log(JSON.stringify({ version: require(path.join(process.env.ORT_NODE, 'package.json')).version }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    run();
    const times = [];
    for (let i = Number(line); i > 0; i--) {
      const start = process.hrtime.bigint();
      run();
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    console.log(JSON.stringify(times));
  }
})();
