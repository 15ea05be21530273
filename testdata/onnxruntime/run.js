// run.js MODEL.onnx DIR: runs a model with ONNX Runtime (CPU) on the tensors that DIR/inputs.json lists, each with the file of its little-endian elements,
// and writes output_0.bin, output_1.bin … in the order of the model's outputs. ORT_NODE names the folder of the npm package onnxruntime-node.
'use strict';
const fs = require('fs'), path = require('path');
const ort = require(process.env.ORT_NODE);
const [model, dir] = process.argv.slice(2);
const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array };
(async () => {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = {};
  for (const t of JSON.parse(fs.readFileSync(path.join(dir, 'inputs.json')))) {
    const bytes = fs.readFileSync(path.join(dir, t.file));
    feeds[t.name] = new ort.Tensor(t.dtype, new arrays[t.dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), t.shape);
  }
  const out = await session.run(feeds);
  session.outputNames.forEach((name, i) => {
    const data = out[name].data;
    fs.writeFileSync(path.join(dir, `output_${i}.bin`), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  });
})().catch((e) => { console.error(e.message); process.exit(1); });
