// serve.js MODEL.onnx THREADS DIR: like run.js, but runs once for each line on standard input and prints the milliseconds that it took.
'use strict';
const fs = require('fs'), path = require('path'), readline = require('readline');
const ort = require(process.env.ORT_NODE);
const [model, threads, dir] = process.argv.slice(2);
const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array };
(async () => {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3 });
  const feeds = {};
  for (const t of JSON.parse(fs.readFileSync(path.join(dir, 'inputs.json')))) {
    const bytes = fs.readFileSync(path.join(dir, t.file));
    feeds[t.name] = new ort.Tensor(t.dtype, new arrays[t.dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), t.shape);
  }
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    console.log(Number(process.hrtime.bigint() - start) / 1e6);
  }
})().catch((e) => { console.error(e.message); process.exit(1); });
