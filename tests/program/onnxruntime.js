// A folder's pruned.onnx in onnxruntime-node (npm), against the accuracy that solution.json states:
//
//     node onnxruntime.js <folder of --out> <images.npy> <labels.npy> [how many]
//
// Exit code 1 where more than one image in a hundred is answered otherwise: thresholds are steps, on
// which the runtimes' rounding may fall to either side.
const fs = require('fs');
const ort = require('onnxruntime-node');

function npy(file) {
    const bytes = fs.readFileSync(file);
    const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
    const type = /'descr': '[<|]?([a-z]\d)'/.exec(header)[1];
    const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter(s => s.trim()).map(Number);
    const data = bytes.subarray(10 + bytes.readUInt16LE(8));
    const array = {u1: Uint8Array, f4: Float32Array, i4: Int32Array, i8: BigInt64Array}[type];
    return {shape, data: new array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length))};
}

async function main() {
    const [folder, images, labels, most] = process.argv.slice(2);
    const solution = JSON.parse(fs.readFileSync(folder + '/solution.json'));
    const stated = (solution.hardware_aware || solution.activation_only).top1;
    const {scale, mean, std} = solution.preprocessing;
    const x = npy(images), y = npy(labels);
    const session = await ort.InferenceSession.create(folder + '/pruned.onnx');
    const input = session.inputMetadata[0];
    const extents = input.shape.slice(1);
    const volume = extents.reduce((a, b) => a * b, 1), channels = mean.length;
    const count = Math.min(y.shape[0], Number(most || y.shape[0]));
    let right = 0;
    for (let n = 0; n < count; ++n) {
        const values = new Float32Array(volume);
        for (let k = 0; k < volume; ++k) {
            const c = Math.floor(k / (volume / channels));
            const pixel = Math.fround(x.data[n * volume + k] * Math.fround(scale));
            values[k] = Math.fround(pixel - mean[c]) / std[c];
        }
        const run = await session.run({[input.name]: new ort.Tensor('float32', values, [1, ...extents])});
        const logits = run[session.outputNames[0]].data;
        right += logits.indexOf(Math.max(...logits)) === Number(y.data[n]) ? 1 : 0;
    }
    console.log(`onnxruntime ${ort.env.versions.node}: ${right} of ${count} right, ${Math.round(stated * count)} stated`);
    if (Math.abs(right - stated * count) > Math.max(1, 0.01 * count)) process.exit(1);
}

main();
